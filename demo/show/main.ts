import type { Terminal } from '../terminal/terminal.js'
import { LiveView } from './live-view.js'
import { opening } from './opening.js'
import { PlainView } from './plain-view.js'
import { promises, table } from './report.js'
import { lanes, play } from './show.js'

/** Plays the whole show. Resolves with whether Holdfast kept what it promises. */
export async function showAll(terminal: Terminal, signal: AbortSignal): Promise<boolean> {
  terminal.print(opening(lanes, terminal.width))
  const results = await play(terminal.isLive ? new LiveView(terminal) : new PlainView(terminal), signal)
  const { lines, allKept } = promises(results, terminal.width)
  terminal.print([...table(results, lanes, terminal.width), [], ...lines])
  return allKept
}
