/** Where OpenSSH keeps things, on each system. The one file that knows the home directory and Windows' own places. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'

const windows = process.platform === 'win32'
const windowsAgentPipe = '\\\\.\\pipe\\openssh-ssh-agent'

/** Whether it is the user's own folder. Whoever has no home, as the user of a container may, has none. */
export function isSshDirectory(folder: string): boolean {
  try {
    return resolve(folder) === inSshDirectory('')
  } catch {
    return false
  }
}

function inSshDirectory(name: string): string {
  return join(homedir(), '.ssh', name)
}

function inSystemDirectory(name: string): string {
  return windows ? join(process.env['ProgramData'] ?? 'C:\\ProgramData', 'ssh', name) : `/etc/ssh/${name}`
}

/** In the order in which they are tried; those that do not exist are passed over. */
export function defaultIdentityFiles(): readonly string[] {
  return ['id_ed25519', 'id_ecdsa', 'id_rsa'].map(inSshDirectory)
}

/** The user's own, of which the first is the one that is written, then the system's: UserKnownHostsFile, GlobalKnownHostsFile. */
export function defaultKnownHostsFiles(): readonly string[] {
  const home = homedir()
  if (knownHosts?.home !== home) knownHosts = { home, files: knownHostsFiles() }
  return knownHosts.files
}

/** One list for all connections, which may be thousands. */
let knownHosts: { readonly home: string; readonly files: readonly string[] } | undefined

function knownHostsFiles(): readonly string[] {
  return [
    ...['known_hosts', 'known_hosts2'].map(inSshDirectory),
    ...['ssh_known_hosts', 'ssh_known_hosts2'].map(inSystemDirectory),
  ]
}

/** The socket that SSH_AUTH_SOCK names, on Windows else the pipe of OpenSSH's service; undefined if there is none. */
export function defaultAgentPath(): string | undefined {
  const named = process.env['SSH_AUTH_SOCK']
  if (named !== undefined && named !== '') return named
  return windows ? windowsAgentPipe : undefined
}

/** `~` and `~/…` stand for the home directory, as in ssh_config; `~user` is left as it is. */
export function expandHome(path: string): string {
  return path === '~' || /^~[/\\]/.test(path) ? join(homedir(), path.slice(1)) : path
}
