import type { LaneSession } from './lane.js'
import { notReported } from './scale.js'
import type { Stage } from './stage.js'
import type { Report, Track } from './track.js'

/** One lane in one scene. */
export interface Part {
  readonly session: LaneSession
  readonly stage: Stage
  readonly track: Track
  readonly pause: (ms: number) => Promise<void>
}

export interface Scene {
  readonly title: string
  readonly network: 'forgetful' | 'good'
  /** What is found out, in the order in which `play` gives it. */
  readonly rows: readonly Row[]
  play(part: Part): Promise<readonly Cell[]>
}

/** One thing that a scene finds out of each lane: a row of the final table, and a promise of Holdfast. */
export interface Row {
  readonly label: string
  readonly promise: string
  readonly atMostMs?: number
}

/** What was found out. */
export interface Cell {
  readonly text: string
  readonly good: boolean
  /** How long it took, where that is what was measured. */
  readonly ms?: number
}

export function timeCell(report: Report): Cell {
  if (report === undefined) return { text: notReported, good: false }
  return { text: `${(report.ms / 1000).toFixed(2)} s`, good: true, ms: report.ms }
}
