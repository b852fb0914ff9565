/** Draws what each client did in one failure, second by second, as an SVG that reads on light and on dark. */

import { type Colours, escape, font, inBothSchemes, round } from '../../support/svg.js'
import { type ClientName, clientNames } from '../record.js'
import type { Sighting } from '../watch.js'
import type { MeasuredRow } from './measured-row.js'
import { clientLabels, endedWell, seconds, wholeSeconds } from './words.js'

const width = 760
const left = 108
const right = width - 24
const top = 56
const laneHeight = 60
/** A label nearer to the one before it is left out; its mark stays. */
const labelWidth = 64
/** An event as near to the end as this is the end. */
const besideEnd = 14
/** Of a letter, about; wide enough for most. */
const letterWidth = 7.2
/** Below this share of the width, a label stands to the right of its mark. */
const labelsRightBelow = 0.55

interface Lane {
  readonly client: ClientName
  readonly sighting: Sighting
}

/** Milliseconds to a place on the axis. */
type Scale = (ms: number) => number

export function timeline(row: MeasuredRow): string {
  const lanes = lanesOf(row)
  const longestMs = Math.max(1000, ...lanes.map(({ sighting }) => sighting.outcome.ms))
  const scale: Scale = (ms) => round(left + ((right - left) * ms) / (longestMs * 1.02))
  const bottom = top + lanes.length * laneHeight
  const height = bottom + 42
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title text">
<title id="title">${escape(`${row.text.number}. ${row.text.failure}`)}</title>
<desc id="text">${escape(timelineText(row))}</desc>
${style}
<rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${faultLine(lanes, scale, bottom)}
${axis(longestMs, scale, bottom)}
${lanes.map((lane, index) => drawLane(lane, scale, top + index * laneHeight + laneHeight / 2)).join('\n')}
</svg>
`
}

/** The same in words. */
export function timelineText(row: MeasuredRow): string {
  const lanes = lanesOf(row)
  const parts = lanes.map(({ client, sighting }) => {
    const { events, outcome } = sighting
    const seen = events.filter(({ ms }) => ms >= 0).map(({ ms, text }) => `${text} at ${seconds(ms)}`)
    const end = outcome.kind === 'never' ? outcome.text : `${endText(sighting)} at ${seconds(outcome.ms)}`
    return `${clientLabels[client]}: ${[...seen, end].join(', ')}`
  })
  return `${lanes[0]?.sighting.fault ?? 'the begin'} at 0 s. ${parts.join('. ')}.`
}

function lanesOf({ findings }: MeasuredRow): readonly Lane[] {
  return clientNames.flatMap((client) => {
    const finding = findings[client]
    return finding?.state === 'measured' ? [{ client, sighting: finding.sighting }] : []
  })
}

function endText({ outcome: { kind, text } }: Sighting): string {
  return kind === 'killed-wrongly' ? `killed a living link: ${text}` : text
}

function colours({ paper, edge, ink, faint, good, bad }: Colours): string {
  return `.paper { fill: ${paper}; stroke: ${edge} } text { fill: ${ink} } .faint { fill: ${faint} } .grid { stroke: ${edge} } .fault { stroke: ${faint} }
.good { stroke: ${good} } .bad { stroke: ${bad} } .event { fill: ${paper}; stroke: ${faint} } .sign { stroke: ${paper} }
.good.disc { fill: ${good} } .bad.disc { fill: ${bad} }`
}

/** On paper of its own, so that it reads whatever it lies on; marks differ by shape too. */
const style = `<style>
text { font: ${font} } .name { font-weight: 600 } .faint { font-size: 11px }
.fault { stroke-dasharray: 2 3 } .wait { stroke-width: 3; stroke-linecap: round } .bad.wait { stroke-dasharray: 1 7 }
.arrow { fill: none; stroke-width: 2.5; stroke-linecap: round } .sign { fill: none; stroke-width: 2; stroke-linecap: round } .event { stroke-width: 2 }
${inBothSchemes(colours)}
</style>`

function faultLine(lanes: readonly Lane[], scale: Scale, bottom: number): string {
  const x = scale(0)
  const what = lanes[0]?.sighting.fault ?? ''
  return `<line class="fault" x1="${x}" y1="${top - 18}" x2="${x}" y2="${bottom}"/><text class="faint" x="${x}" y="${top - 26}">${escape(what)}</text>`
}

function axis(longestMs: number, scale: Scale, bottom: number): string {
  const stepMs = [1000, 2000, 5000, 10_000, 20_000].find((step) => longestMs / step <= 10) ?? 60_000
  const ticks = Array.from({ length: Math.floor(longestMs / stepMs) + 1 }, (_, index) => index * stepMs)
  const marks = ticks.map((ms) => {
    const x = scale(ms)
    return `<line class="grid" x1="${x}" y1="${bottom}" x2="${x}" y2="${bottom + 5}"/><text class="faint" x="${x}" y="${bottom + 20}" text-anchor="middle">${wholeSeconds(ms)}</text>`
  })
  return [`<line class="grid" x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}"/>`, ...marks].join('\n')
}

function drawLane({ client, sighting }: Lane, scale: Scale, y: number): string {
  const { ms, kind } = sighting.outcome
  const tone = endedWell(sighting) ? 'good' : 'bad'
  const x = scale(ms)
  return [
    `<text class="name" x="16" y="${y + 5}">${clientLabels[client]}</text>`,
    `<line class="${tone} wait" x1="${scale(0)}" y1="${y}" x2="${x}" y2="${y}"/>`,
    drawEvents(sighting, scale, y),
    kind === 'never' ? arrow(x, y) : disc(tone, x, y),
    drawEnd(sighting, x, y),
  ].join('\n')
}

function drawEvents({ events, outcome }: Sighting, scale: Scale, y: number): string {
  let free = -Infinity
  const marks = events
    .filter(({ ms }) => ms >= 0 && scale(outcome.ms) - scale(ms) > besideEnd)
    .map(({ ms, text }) => {
      const x = scale(ms)
      const dot = `<circle class="event" cx="${x}" cy="${y}" r="4"><title>${escape(`${text} at ${seconds(ms)}`)}</title></circle>`
      if (x < free) return dot
      free = x + labelWidth
      return `${dot}<text class="faint" x="${x}" y="${y - 10}" text-anchor="middle">${escape(text)}</text>`
    })
  return marks.join('\n')
}

function drawEnd(sighting: Sighting, x: number, y: number): string {
  const { kind, ms } = sighting.outcome
  const text = kind === 'never' ? endText(sighting) : `${seconds(ms)}: ${endText(sighting)}`
  const isRight = x < left + (right - left) * labelsRightBelow
  const room = isRight ? right - x - 16 : x + 8 - left
  const place = isRight ? `x="${round(x + 16)}" y="${y + 5}"` : `x="${round(x + 8)}" y="${y + 24}" text-anchor="end"`
  return `<text ${place}>${escape(shortened(text, Math.floor(room / letterWidth)))}</text>`
}

/** A tick or a cross, in the colour of the paper. */
function disc(tone: 'good' | 'bad', x: number, y: number): string {
  const sign = tone === 'good' ? `M${x - 3.5} ${y} l2.5 3 l4.5 -6` : `M${x - 3} ${y - 3} l6 6 m0 -6 l-6 6`
  return `<circle class="${tone} disc" cx="${x}" cy="${y}" r="8"/><path class="sign" d="${sign}"/>`
}

function arrow(x: number, y: number): string {
  return `<path class="bad arrow" d="M${x - 4} ${y - 5} l6 5 l-6 5"/>`
}

function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`
}
