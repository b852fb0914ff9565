/** What one of many connections costs, the more there are: level where the cost of all grows as their number does. */
import { round } from '../../test/support/svg.js'
import { median } from '../statistics.js'
import { scaleCounts } from '../workloads/scale.js'
import { mark, picture, width } from './picture.js'
import type { View } from './view.js'
import { number } from './words.js'

const top = 64
const panelHeight = 150
const gap = 70
const left = 60

interface Panel {
  readonly title: string
  readonly unit: string
  readonly figure: string
  /** What one connection has of the figure. */
  readonly ofOne: (value: number, count: number) => number
}

interface Point {
  readonly count: number
  readonly value: number
}

const panels: readonly Panel[] = [
  { title: 'memory of one', unit: 'KB', figure: 'memory', ofOne: (value) => value },
  { title: 'CPU a minute of one', unit: 'ms', figure: 'cpu', ofOne: (value, count) => (value * 1000) / count },
]

export const growthTitle = 'What one connection costs that only stays, of 100, 1,000 and 10,000'

/** Undefined where it was not measured for two numbers of connections at least. */
export function growthPlot(view: View): string | undefined {
  const drawn = panels.map((panel) => ({ panel, points: pointsOf(view, panel) }))
  if (drawn.some(({ points }) => points.length < 2)) return undefined
  const panelWidth = (width - left - gap * panels.length) / panels.length
  const words = drawn.map(
    ({ panel, points }) =>
      `${panel.title}: ${points.map(({ count, value }) => `${number(value)} ${panel.unit} of ${count}`).join(', ')}`,
  )
  return picture({
    title: growthTitle,
    text: words.join('. '),
    height: top + panelHeight + 44,
    parts: [
      `<text class="name" x="16" y="26">${growthTitle}</text>`,
      ...drawn.map(({ panel, points }, index) =>
        drawPanel(panel, points, left + index * (panelWidth + gap), panelWidth),
      ),
    ],
  })
}

function pointsOf(view: View, { figure, ofOne }: Panel): readonly Point[] {
  return scaleCounts.flatMap((count) => {
    const series = view.series('holdfast', `scale-${count}`, figure)
    return series === undefined ? [] : [{ count, value: ofOne(median(series.values), count) }]
  })
}

function drawPanel({ title, unit }: Panel, points: readonly Point[], x: number, panelWidth: number): string {
  const most = Math.max(...points.map(({ value }) => value)) * 1.25
  const bottom = top + panelHeight
  const places = points.map(({ count, value }) => ({
    count,
    value,
    x: round(x + (panelWidth * Math.log10(count / 100)) / 2),
    y: round(bottom - (panelHeight * value) / most),
  }))
  const line = places.map((place) => `${place.x},${place.y}`).join(' ')
  return [
    `<text x="${x}" y="${top - 14}">${title}, ${unit}</text>`,
    `<line class="grid" x1="${x}" y1="${bottom}" x2="${x + panelWidth}" y2="${bottom}"/>`,
    `<polyline class="own" fill="none" points="${line}"/>`,
    ...places.map((place) =>
      [
        mark('holdfast', place.x, place.y, `${number(place.value)} ${unit}`),
        `<text class="small" x="${place.x}" y="${place.y - 12}" text-anchor="middle">${number(place.value)}</text>`,
        `<text class="small" x="${place.x}" y="${bottom + 18}" text-anchor="middle">${number(place.count)}</text>`,
      ].join(''),
    ),
  ].join('\n')
}
