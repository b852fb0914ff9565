/** One bar a client, for figures of the same unit. */
import { round } from '../../test/support/svg.js'
import { type ClientName, clientNames } from '../clients/client.js'
import { picture, width } from './picture.js'
import { type Values, type View, valuesOf } from './view.js'
import { clientLabels, number } from './words.js'

const left = 210
const right = width - 76
const top = 44
const barHeight = 17
const groupGap = 30

export interface Chart {
  readonly title: string
  readonly unit: string
  readonly groups: readonly { readonly title: string; readonly workload: string; readonly figure: string }[]
}

interface Bar {
  readonly client: ClientName
  readonly values: Values
}

export function barChart(view: View, { title, unit, groups }: Chart): string {
  const filled = groups
    .map((group) => ({ title: group.title, bars: barsOf(view, group.workload, group.figure) }))
    .filter(({ bars }) => bars.length > 0)
  const longest = Math.max(...filled.flatMap(({ bars }) => bars.map(({ values }) => values.median)))
  let y = top
  const parts = filled.flatMap(({ title: name, bars }) => {
    const heading = `<text class="name" x="16" y="${y + 28}">${name}</text>`
    y += groupGap
    const lines = bars.map((bar) => {
      y += barHeight + 4
      return drawBar(bar, { y, longest, unit })
    })
    return [heading, ...lines]
  })
  const text = filled.map(
    ({ title: name, bars }) =>
      `${name}: ${bars.map(({ client, values }) => `${clientLabels[client]} ${number(values.median)}`).join(', ')}`,
  )
  return picture({
    title,
    text: `${text.join('. ')} (${unit})`,
    height: y + 28,
    parts: [`<text class="name" x="16" y="26">${title}</text>`, ...parts],
  })
}

function barsOf(view: View, workload: string, figure: string): readonly Bar[] {
  return clientNames.flatMap((client) => {
    const series = view.series(client, workload, figure)
    return series === undefined ? [] : [{ client, values: valuesOf(series) }]
  })
}

interface BarPlace {
  readonly y: number
  readonly longest: number
  readonly unit: string
}

function drawBar({ client, values }: Bar, { y, longest, unit }: BarPlace): string {
  const length = round(((right - left) * values.median) / longest)
  return [
    `<text x="${left - 10}" y="${y}" text-anchor="end">${clientLabels[client]}</text>`,
    `<rect class="${client}" x="${left}" y="${y - 12}" width="${length}" height="${barHeight - 2}" rx="2"/>`,
    `<text class="small" x="${left + length + 6}" y="${y}">${number(values.median)} ${unit}</text>`,
  ].join('')
}
