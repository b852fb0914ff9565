import type { Terminal } from '../terminal/terminal.js'
import { Absence } from './absence.js'
import { findingsOf } from './findings.js'
import { LiveView } from './live-view.js'
import { opening } from './opening.js'
import { PlainView } from './plain-view.js'
import { checkPromises, promiseLines } from './promises.js'
import { lanes, play } from './show.js'
import { table } from './table.js'

/** Plays the whole show. Resolves with whether Holdfast kept what it promises. */
export async function showAll(terminal: Terminal, signal: AbortSignal): Promise<boolean> {
  const { width } = terminal
  terminal.print(opening(lanes, width))
  const absence = new Absence()
  const results = await play(terminal.isLive ? new LiveView(terminal) : new PlainView(terminal), signal)
  const absentMs = absence.stop()
  const findings = findingsOf(results)
  const checks = checkPromises(findings, absentMs)
  terminal.print([...table(findings, lanes, width), [], ...promiseLines(checks, absentMs, width)])
  return checks.every(({ kept }) => kept)
}
