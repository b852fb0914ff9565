import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { HoldfastError } from '../errors.js'
import { childProcessHint, isAccessDenied } from './access-denied.js'

const windows = process.platform === 'win32'

/**
 * Starts a command line by the user's shell, as ssh starts its ProxyCommand, in a process group of its own and so
 * without a terminal to ask on. Its pipes are missing when no descriptor is left; `error` tells so.
 * @throws HoldfastError ERR_SSH_OPTION when it can be no command line
 */
export function spawnInShell(command: string): ChildProcess {
  try {
    // By cmd.exe on Windows, where SHELL is a path of another world, and by sh without one.
    const shell = windows ? true : process.env['SHELL'] || true
    return spawn(command, { shell, detached: !windows, windowsHide: true, stdio: 'pipe' })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new HoldfastError('ERR_SSH_OPTION', `the command cannot be run: ${reason}`, {
      phase: 'options',
      ...(isAccessDenied(cause) && { hint: childProcessHint }),
      cause,
    })
  }
}

/**
 * Signals a command and what it started. To be called only until its `exit` event is over: later the number may be
 * another's.
 */
export function signalGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return
  if (windows) endTree(child.pid)
  else signalPosixGroup(child.pid, signal)
}

function signalPosixGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody is left in the group, or what is left became another user's.
  }
}

/** Windows knows neither groups nor a polite signal. */
function endTree(pid: number): void {
  const taskkill = spawn('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true })
  taskkill.on('error', () => {})
  taskkill.unref()
}
