import { optionError } from '../session/option-error.js'

/** What no shell that anybody logs in to reads anything into. */
const plain = /^[\w./+,:@%=-]+$/

/**
 * A path as a word of a shell. Nothing is special between single quotes but to fish a backslash, which so stands outside
 * of them, as the single quote itself has to.
 */
function word(path: string): string {
  // What begins with a dash would be an option.
  const safe = path.startsWith('-') ? `./${path}` : path
  return plain.test(safe) ? safe : `'${safe.replaceAll(/['\\]/g, String.raw`'\$&'`)}'`
}

/** What the remote scp is to be. */
export interface Role {
  /** `-t` takes files, into a directory; `-f` gives them. */
  readonly role: 'take' | 'give'
  readonly recursive: boolean
  readonly preserve: boolean
  readonly path: string
}

/** The command that scp itself would run on the server. */
export function commandLine({ role, recursive, preserve, path }: Role): string {
  const flags = [
    ...(recursive ? ['-r'] : []),
    ...(preserve ? ['-p'] : []),
    ...(role === 'take' ? ['-d', '-t'] : ['-f']),
  ]
  return `scp ${flags.join(' ')} ${word(path)}`
}

/** A path of the server. SCP tells names line by line. @throws HoldfastError ERR_SSH_OPTION */
export function toRemote(path: unknown): string {
  if (typeof path !== 'string' || path === '' || /[\0\n]/.test(path))
    throw optionError('remote', 'must be a string, not empty, without NUL and without line breaks')
  return path.replace(/(?<=.)\/+$/, '')
}

/** The name behind the last `/`: empty, `.` or `..` where a path has none of its own. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** What is in front of it. */
export function directoryOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at === -1 ? '.' : path.slice(0, Math.max(1, at))
}

/** Whether a path ends in a name, by which scp can make what it is of. */
export function hasName(path: string): boolean {
  return !['', '.', '..'].includes(nameOf(path))
}
