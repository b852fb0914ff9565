import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { HoldfastError } from '../../errors.js'
import { Deadlines } from '../../liveness/deadlines.js'
import { type Wait, Waits } from '../../liveness/waits.js'
import { childProcessHint, isAccessDenied } from '../../socket/access-denied.js'
import { Scheduler, systemClock } from '../../socket/scheduler.js'
import { signalGroup } from '../../socket/shell.js'
import { printable } from '../../wire/printable.js'

/** What `ssh -G` prints is a few kilobytes; nothing that prints for ever may fill this process. */
const maxOutput = 1024 * 1024
const maxShown = 600

export interface SshRun {
  /** What is asked, as errors are to say it: `ssh_config for host`. */
  readonly what: string
  /** Which of the two is the shorter. */
  readonly limit: 'dns' | 'connect'
  readonly limitMs: number
  readonly signal: AbortSignal | undefined
}

/**
 * What OpenSSH's own program prints. It runs what `Match exec` says, so it may hang: it is killed at the limit with all
 * that it started.
 * @throws HoldfastError ERR_SSH_UNSUPPORTED where there is no ssh, ERR_SSH_CONFIG with what it said, ERR_SSH_TIMEOUT
 *   (limit `dns`, or `connect` where that is shorter), ERR_SSH_ABORTED
 */
export async function askSsh(args: readonly string[], { what, limit, limitMs, signal }: SshRun): Promise<string> {
  const deadlines = new Deadlines()
  const waits = new Waits({ now: systemClock.now, lastTrafficAt: () => 0, errorDetails: () => ({}) }, deadlines)
  const scheduler = new Scheduler({ deadlines, waits, onWake: () => {}, onDisturbed: () => {} })
  const wait = waits.start<string>({ limit, limitMs, clock: 'call', phase: 'options', what, signal })
  const child = wait.pending ? startOrReject(args, wait, what) : undefined
  try {
    return await wait.promise
  } finally {
    scheduler.stop()
    if (child?.exitCode === null && child.signalCode === null) signalGroup(child, 'SIGKILL')
  }
}

/** Node's permission model throws at once. */
function startOrReject(args: readonly string[], wait: Wait<string>, what: string): ChildProcess | undefined {
  try {
    return start(args, wait, what)
  } catch (cause) {
    wait.reject(notStarted(cause))
    return undefined
  }
}

function start(args: readonly string[], wait: Wait<string>, what: string): ChildProcess {
  // A group of its own, so that what it starts can be ended with it; without a terminal it can ask nobody.
  const detached = process.platform !== 'win32'
  const child = spawn('ssh', args, { detached, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
  let output = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.length > maxOutput) wait.reject(unusable(what, 'it prints without end'))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-maxShown)
  })
  child.once('error', (cause) => wait.reject(notStarted(cause)))
  child.once('close', (code, signal) => {
    if (code === 0) wait.resolve(output)
    else wait.reject(unusable(what, said.trim() === '' ? `it ended with ${code ?? signal}` : printable(said, maxShown)))
  })
  return child
}

function unusable(what: string, reason: string): HoldfastError {
  return new HoldfastError('ERR_SSH_CONFIG', `${what} could not be had from ssh -G: ${reason}`, { phase: 'options' })
}

function notStarted(cause: unknown): HoldfastError {
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
  const text = cause instanceof Error ? cause.message : String(cause)
  const reason = missing ? 'which is not on PATH' : `which could not be started: ${text}`
  const way = isAccessDenied(cause) ? childProcessHint : 'install OpenSSH’s client'
  return new HoldfastError('ERR_SSH_UNSUPPORTED', `the option config asks OpenSSH's program ssh, ${reason}`, {
    phase: 'options',
    hint: `${way}, or leave out config and give its values as options`,
    cause,
  })
}
