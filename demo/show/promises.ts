import { type Line, span, wrap } from '../terminal/text.js'
import type { Finding } from './findings.js'
import { intervalMs, slackMs } from './scale.js'

/** A promise of Holdfast, and what this run showed of it. */
export interface Check {
  readonly promise: string
  readonly measured: string
  readonly kept: boolean
}

/**
 * Checks what Holdfast, the last of the lanes, promises.
 * @param absentMs the longest stretch in which this process could not run. That is not held against a peer, and so a
 *   verdict is put off by it, and by an interval in which the peer is asked anew.
 */
export function checkPromises(findings: readonly Finding[], absentMs: number): Check[] {
  const lateMs = slackMs + (absentMs === 0 ? 0 : absentMs + intervalMs)
  return findings.map(({ row: { promise, atMostMs }, cells }) => {
    const cell = cells.at(-1)
    const inTime = atMostMs === undefined || (cell?.ms !== undefined && cell.ms <= atMostMs + lateMs)
    return { promise, measured: cell?.text ?? 'nothing', kept: cell !== undefined && cell.good && inTime }
  })
}

export function promiseLines(checks: readonly Check[], absentMs: number, width: number): Line[] {
  return [
    [span(`What Holdfast promises, checked by this run (${slackMs / 1000} s of slack for a busy machine)`, 'bold')],
    ...checks.flatMap((check) => checkLines(check, width)),
    ...(absentMs === 0 ? [] : wrap(busyMachine(absentMs), width).map((line) => [span(line, 'dim')])),
  ]
}

function checkLines({ promise, measured, kept }: Check, width: number): Line[] {
  const mark = span(kept ? '  kept    ' : '  BROKEN  ', kept ? 'good' : 'bad')
  return wrap(`${promise}: ${measured}`, width - mark.text.length).map((part, index) => [
    index === 0 ? mark : span(' '.repeat(mark.text.length)),
    span(part),
  ])
}

function busyMachine(absentMs: number): string {
  const seconds = (absentMs / 1000).toFixed(2)
  return `This machine was busy: for ${seconds} s at a stretch it did not let this process run. Nobody is judged by that.`
}
