import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { type Finished, runCommand } from './command.js'

export interface CatcherOptions {
  /** How many sessions of the simulator, and from which seed on. */
  readonly seeds: number
  readonly start: number
  /** For each run of a catcher, in milliseconds. */
  readonly limitMs: number
  readonly signal: AbortSignal
}

/** What catches a defect: it passes on the project as it is, and fails on a copy that has the defect. */
export interface Catcher {
  readonly name: string
  /** @returns what it found wrong, undefined when nothing. @throws Error when it could not be run, or did not end */
  findFault(copy: string): Promise<string | undefined>
}

/** Seeds of the first run; each further one has twice as many, since most defects show at once. */
const firstSeeds = 250

export function simulator({ seeds, start, limitMs, signal }: CatcherOptions): Catcher {
  return {
    name: 'simulator',
    findFault: async (cwd) => {
      // npm fails for a script that is not there too, and that catches nothing.
      if (!(await hasScript(cwd, 'sim'))) throw new Error('package.json has no script sim')
      for (const [from, count] of batches(start, seeds)) {
        const args = ['run', '--silent', 'sim', '--', '--start', String(from), '--seeds', String(count), '--jobs', '1']
        const found = fault('simulator', await runCommand('npm', args, { cwd, limitMs, signal }), simulatorFault)
        if (found !== undefined) return found
      }
      return undefined
    },
  }
}

/** Where each run of the simulator starts, and how many seeds it has. */
export function batches(start: number, seeds: number): [start: number, seeds: number][] {
  const all: [number, number][] = []
  for (let done = 0; done < seeds; ) {
    const size = Math.min(firstSeeds * 2 ** all.length, seeds - done)
    all.push([start + done, size])
    done += size
  }
  return all
}

/** One row of the lab. @param number as in the table of failures */
export function labRow(number: number, { limitMs, signal }: CatcherOptions): Catcher {
  const name = `row ${number}`
  return {
    name,
    findFault: async (cwd) => {
      const args = ['--test', '--test-reporter', 'tap', await rowFile(cwd, number)]
      const finished = await runCommand(process.execPath, args, { cwd, limitMs, signal })
      if (!ranSomething(finished.output)) throw new Error(`${name} was skipped here: ${lastLine(finished.output)}`)
      return fault(name, finished, rowFault)
    },
  }
}

/** The first seed that failed, and the invariant that it violated. @throws Error when none did: the simulator itself failed */
export function simulatorFault(output: string): string {
  const found = /^seed \d+: .+$/m.exec(output)?.[0]
  if (found === undefined) throw new Error(`the simulator failed, but no seed of it: ${lastLine(output)}`)
  return found
}

/** The first assertion of a row that failed. */
export function rowFault(output: string): string {
  const error = /^ +error: (?:\|-\n +(.+)|(.+))$/m.exec(output)
  return (error?.[1] ?? error?.[2] ?? lastLine(output)).replaceAll(/^'|'$/g, '')
}

/** Whether any test of a report in TAP ran to its end: a row may be skipped whole. */
export function ranSomething(tap: string): boolean {
  return /^ *(?:not ok|ok) \d+ (?!.*# SKIP)/m.test(tap)
}

function fault(name: string, { code, timedOut, output }: Finished, describe: (output: string) => string) {
  if (timedOut) throw new Error(`the ${name} did not end in time: ${lastLine(output)}`)
  if (code === 0) return undefined
  if (code === 1) return describe(output)
  throw new Error(`the ${name} ended with ${code}: ${lastLine(output)}`)
}

async function hasScript(copy: string, script: string): Promise<boolean> {
  const parsed: unknown = JSON.parse(await readFile(path.join(copy, 'package.json'), 'utf8'))
  const scripts = typeof parsed === 'object' && parsed !== null && 'scripts' in parsed ? parsed.scripts : undefined
  return typeof scripts === 'object' && scripts !== null && script in scripts
}

async function rowFile(copy: string, number: number): Promise<string> {
  const folder = path.join(copy, 'build/test/lab/rows')
  const files = existsSync(folder) ? await readdir(folder) : []
  const found = files.find((file) => Number.parseInt(file, 10) === number && file.endsWith('.test.js'))
  if (found === undefined) throw new Error(`the lab has no row ${number}`)
  return path.join(folder, found)
}

function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1) ?? ''
}
