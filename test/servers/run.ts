import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { toolEnvironment } from './environment.js'

export interface RunOptions {
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Ends the program. */
  readonly signal?: AbortSignal
  /** Written to the program's standard input, which then ends. */
  readonly input?: string
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. Rejects with everything it said when it fails, so that a test's failure explains itself. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = spawn(command, args, { ...options, env: { ...toolEnvironment, ...options.env } })
  const ended = once(child, 'close')
  // A program that does not read its input may be gone before we wrote it; its exit code says what matters.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (child.exitCode === 0) return { stdout, stderr }
  const end = child.signalCode ?? `exit code ${child.exitCode}`
  throw new Error(`${command} ${args.join(' ')}: ${end}\n${stderr}${stdout}`)
}
