/** How far ahead Holdfast is of each other client, workload by workload, on a logarithmic axis. */
import { round } from '../../test/support/svg.js'
import type { ClientName } from '../clients/client.js'
import { mark, picture, width } from './picture.js'
import { type FigureRow, figureRows } from './rows.js'
import { peers, type View } from './view.js'
import { clientLabels, number } from './words.js'

const left = 300
const right = width - 28
const top = 84
const laneHeight = 26
const ticks = [0.25, 0.5, 1, 2, 4, 8, 16]
/** What is further out is shown at the edge, with its number. */
const [least, most] = [0.2, 20]

interface Lane {
  readonly title: string
  readonly leads: readonly { readonly client: ClientName; readonly lead: number }[]
}

export function ratioPlot(view: View, node: string): string {
  const lanes = figureRows(view).flatMap(laneOf)
  const bottom = top + lanes.length * laneHeight
  const title = `How many times better Holdfast is, Node ${node}`
  return picture({
    title,
    text: lanes.map(laneText).join('. '),
    height: bottom + 34,
    parts: [
      `<text class="name" x="16" y="26">${title}</text>`,
      legend(),
      ...ticks.map((tick) => axisTick(tick, bottom)),
      ...lanes.map((lane, index) => drawLane(lane, top + index * laneHeight + laneHeight / 2)),
    ],
  })
}

function laneOf({ workload, figure, others: compared }: FigureRow): readonly Lane[] {
  const leads = compared.flatMap(({ series, ratio }) =>
    ratio === undefined || !peers.includes(series.client)
      ? []
      : [{ client: series.client, lead: figure.better === 'less' ? 1 / ratio : ratio }],
  )
  const title = workload.group === 'far' ? `50 ms: ${figure.title}` : figure.title
  return leads.length === 0 ? [] : [{ title, leads }]
}

function laneText({ title, leads }: Lane): string {
  return `${title}: ${leads.map(({ client, lead }) => `${clientLabels[client]} ${number(lead)}`).join(', ')}`
}

function place(lead: number): number {
  const inside = Math.min(most, Math.max(least, lead))
  return round(left + ((right - left) * Math.log(inside / least)) / Math.log(most / least))
}

function legend(): string {
  let x = 22
  const parts = peers.map((client) => {
    const part = `${mark(client, x, 46, clientLabels[client])}<text class="small" x="${x + 11}" y="50">${clientLabels[client]}</text>`
    x += 34 + clientLabels[client].length * 6.2
    return part
  })
  return parts.join('\n')
}

function axisTick(tick: number, bottom: number): string {
  const x = place(tick)
  const text = tick === 1 ? 'equal' : `${tick} ×`
  return `<line class="${tick === 1 ? 'own' : 'grid'}" x1="${x}" y1="${top - 8}" x2="${x}" y2="${bottom}"/><text class="small" x="${x}" y="${bottom + 18}" text-anchor="middle">${text}</text>`
}

function drawLane({ title, leads }: Lane, y: number): string {
  const marks = leads.map(({ client, lead }) =>
    mark(client, place(lead), y, `${title}: ${number(lead)} times better than ${clientLabels[client]}`),
  )
  return [`<text x="16" y="${y + 4}">${title}</text>`, ...marks].join('\n')
}
