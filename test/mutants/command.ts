import { spawn } from 'node:child_process'
import process from 'node:process'

/** Longer output is kept from its end. */
const maxOutput = 1024 * 1024

export interface Finished {
  /** Null when it was ended by a signal, ours at its limit among them. */
  readonly code: number | null
  readonly timedOut: boolean
  /** stdout and stderr as they came. */
  readonly output: string
}

export interface CommandOptions {
  readonly cwd: string
  readonly limitMs: number
  /** Ends it, and whatever it started, at once. */
  readonly signal: AbortSignal
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command to its end, and not beyond its limit. It leads a process group of its own, which ends with it. */
export function runCommand(
  command: string,
  args: readonly string[],
  { cwd, limitMs, signal, env = {} }: CommandOptions,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    let output = ''
    let timedOut = false
    const keep = (chunk: string) => {
      output = (output + chunk).slice(-maxOutput)
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    const end = () => killGroup(child.pid)
    const timer = setTimeout(() => {
      timedOut = true
      end()
    }, limitMs)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    const settle = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      end()
    }
    child.once('error', (error) => {
      settle()
      reject(error)
    })
    child.once('close', (code) => {
      settle()
      if (signal.aborted) reject(new Error(`${command} was stopped`))
      else resolve({ code, timedOut, output })
    })
  })
}

/** @throws Error with the last lines of the output when the command fails or is late */
export async function mustRun(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { code, timedOut, output } = await runCommand(command, args, options)
  if (code === 0) return output
  const how = timedOut ? `did not end within ${options.limitMs / 1000} s` : `ended with ${code}`
  throw new Error(`${[command, ...args].join(' ')} ${how}: ${output.trim().split('\n').slice(-5).join('\n')}`)
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}
