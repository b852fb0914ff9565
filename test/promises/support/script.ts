import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** A program of test/promises/fixtures, in a process of its own. */
export interface Script {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** The next line of its output. */
  readonly line: () => Promise<string>
  /** How it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly stderr: string }>
}

export function startScript(name: string, ...args: readonly string[]): Script {
  const file = fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: 'pipe', timeout: 200_000 })
  child.stdin.on('error', () => {})
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    const next = await lines.next()
    return next.done === true ? '' : next.value
  }
  const ended = Promise.all([text(child.stderr), once(child, 'close')]).then(([stderr]) => ({
    code: child.exitCode,
    signal: child.signalCode,
    stderr,
  }))
  return { child, line, ended }
}

/** The last word of the fixture `ends-by-itself`: what it said, and after how long where that was an error. */
export function readLastWord(line: string): { readonly said: string; readonly tookMs: number | undefined } {
  const [said = '', ms] = line.split(/ after (\d+) ms$/)
  return { said, tookMs: ms === undefined ? undefined : Number(ms) }
}
