/** What differs between operating systems in starting commands, and in signalling all that they started. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { constants, homedir } from 'node:os'
import type { Readable, Writable } from 'node:stream'

export type LocalProcess = ChildProcessByStdio<Writable, Readable, Readable>

const isWindows = process.platform === 'win32'

/** Starts a command by the machine's shell, or that shell itself, as the leader of a process group of its own. */
export function startLocally(command: string | undefined, env: NodeJS.ProcessEnv): LocalProcess {
  return spawn(isWindows ? (process.env['ComSpec'] ?? 'cmd.exe') : '/bin/sh', shellArguments(command), {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own. On Windows it would open a window, and there are no groups.
    detached: !isWindows,
    windowsHide: true,
    windowsVerbatimArguments: isWindows,
  })
}

function shellArguments(command: string | undefined): readonly string[] {
  if (command === undefined) return []
  // With /s, cmd.exe takes off the outer quotes and leaves those of the command alone.
  return isWindows ? ['/d', '/s', '/c', `"${command}"`] : ['-c', command]
}

/** Without these, Windows starts next to nothing. */
const windowsVariables = [
  'SystemRoot',
  'SystemDrive',
  'windir',
  'ComSpec',
  'PATH',
  'PATHEXT',
  'TEMP',
  'TMP',
  'USERPROFILE',
] as const

/** @param own of this process: what is not named here, secrets among it, is nothing for those who can log in */
export function windowsEnvironment(own: NodeJS.ProcessEnv, username: string): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(windowsVariables.map((name) => [name, own[name]])), USERNAME: username }
}

/** What every command finds in its environment, whoever started the server: as sshd, not the server's own. */
export function baseEnvironment(username: string): NodeJS.ProcessEnv {
  if (isWindows) return windowsEnvironment(process.env, username)
  const { PATH = '', LANG } = process.env
  // sshd gives its commands the system's directories, whatever its own PATH is.
  return {
    PATH: `${PATH}:/usr/local/bin:/usr/bin:/bin`,
    LANG,
    HOME: homedir(),
    SHELL: '/bin/sh',
    USER: username,
    LOGNAME: username,
  }
}

/**
 * Sends a signal to a process group. Windows has no signals: there each one that ends a process ends the whole tree.
 * @param name without SIG; one that this system does not have is ignored, as sshd does
 */
export function signalGroup(leader: number, name: string): void {
  if (isWindows) {
    if (name === 'TERM' || name === 'KILL' || name === 'INT' || name === 'HUP') endTree(leader)
    return
  }
  const number = Object.entries(constants.signals).find(([signal]) => signal === `SIG${name}`)?.[1]
  if (number === undefined) return
  try {
    process.kill(-leader, number)
  } catch {
    // All of them have ended meanwhile.
  }
}

function endTree(leader: number): void {
  spawn('taskkill', ['/pid', String(leader), '/t', '/f'], { stdio: 'ignore', windowsHide: true }).on('error', () => {})
}
