import { type Line, padLine, type Span, span, wrap } from '../terminal/text.js'
import type { Performance } from './performance.js'
import type { Track, TrackEvent } from './track.js'

const indent = 3
const gap = 2
const timeWidth = 6

/** One scene: its title, and what each lane did and knows, side by side. */
export function sceneBlock({ number, scene, tracks, elapsedMs }: Performance, width: number): Line[] {
  const columnWidth = Math.floor((width - indent) / tracks.length)
  const columns = tracks.map((track) => column(track, elapsedMs, columnWidth - gap))
  const height = Math.max(...columns.map((lines) => lines.length))
  const rows = Array.from({ length: height }, (_, row) =>
    columns.flatMap((lines) => padLine(lines[row] ?? [], columnWidth)),
  )
  return [
    ...wrap(`${number}  ${scene.title}`, width).map((text) => [span(text, 'bold')]),
    ...rows.map((row) => [span(' '.repeat(indent)), ...row]),
  ]
}

function column(track: Track, elapsedMs: number, width: number): Line[] {
  const shown = track.isOver ? track.events : [...track.events, ticking(track, elapsedMs)]
  return [[span(track.lane.name, 'dim')], ...shown.flatMap((event) => eventLines(event, width))]
}

/** What can be said of a lane at this moment. */
function ticking({ waitingMs }: Track, atMs: number): TrackEvent {
  return { atMs, text: waitingMs === undefined ? '...' : 'nothing yet', tone: 'waiting' }
}

function eventLines({ atMs, text, tone }: TrackEvent, width: number): Line[] {
  const time = `${(atMs / 1000).toFixed(2).padStart(timeWidth - 1)} `
  return wrap(text, width - timeWidth).map((part, index) => [timeOrBlanks(index === 0 ? time : ''), span(part, tone)])
}

function timeOrBlanks(time: string): Span {
  return span(time.padEnd(timeWidth), 'dim')
}
