import { constants } from 'node:fs'
import { isDate } from 'node:util/types'
import type { Attributes } from '../sftp/attributes.js'
import { openFlag, status } from '../sftp/numbers.js'
import type { NameEntry } from '../sftp/replies.js'
import { type Ssh2Error, ssh2Error } from './errors.js'

/** The flags of OPEN, by ssh2's names. */
export const OPEN_MODE = { ...openFlag } as const
/** The numbers of STATUS, which are the `code` of SFTP errors. */
export const STATUS_CODE = { ...status } as const

/** What a server may leave unsaid. */
const statusTexts: ReadonlyMap<number, string> = new Map([
  [status.OK, 'No error'],
  [status.EOF, 'End of file'],
  [status.NO_SUCH_FILE, 'No such file or directory'],
  [status.PERMISSION_DENIED, 'Permission denied'],
  [status.FAILURE, 'Failure'],
  [status.BAD_MESSAGE, 'Bad message'],
  [status.NO_CONNECTION, 'No connection'],
  [status.CONNECTION_LOST, 'Connection lost'],
  [status.OP_UNSUPPORTED, 'Operation unsupported'],
])

export function statusError(code: number, message: string): Ssh2Error {
  return ssh2Error(message || statusTexts.get(code) || 'Unknown status', { code })
}

export function isEof(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === status.EOF
}

const { READ, WRITE, APPEND, CREAT, TRUNC, EXCL } = openFlag
const writing = TRUNC | CREAT | WRITE
const appending = APPEND | CREAT | WRITE

const flagsOf: ReadonlyMap<string, number> = new Map([
  ['r', READ],
  ['r+', READ | WRITE],
  ['w', writing],
  ['wx', writing | EXCL],
  ['xw', writing | EXCL],
  ['w+', writing | READ],
  ['wx+', writing | READ | EXCL],
  ['xw+', writing | READ | EXCL],
  ['a', appending],
  ['ax', appending | EXCL],
  ['xa', appending | EXCL],
  ['a+', appending | READ],
  ['ax+', appending | READ | EXCL],
  ['xa+', appending | READ | EXCL],
])

/** @returns null for what is no flags of `node:fs` */
export function stringToFlags(text: string): number | null {
  return flagsOf.get(text) ?? null
}

export function flagsToString(flags: number): string | null {
  return [...flagsOf].find(([, value]) => value === flags)?.[0] ?? null
}

/** What a server says of a file; undefined where it does not say. */
export class Stats {
  mode: number | undefined
  uid: number | undefined
  gid: number | undefined
  size: number | undefined
  /** Seconds since 1970. */
  atime: number | undefined
  mtime: number | undefined
  extended: Readonly<Record<string, Buffer>> | undefined

  constructor(initial?: Partial<Stats>) {
    this.mode = initial?.mode
    this.uid = initial?.uid
    this.gid = initial?.gid
    this.size = initial?.size
    this.atime = initial?.atime
    this.mtime = initial?.mtime
    this.extended = initial?.extended
  }

  isDirectory(): boolean {
    return this.#is(constants.S_IFDIR)
  }

  isFile(): boolean {
    return this.#is(constants.S_IFREG)
  }

  isBlockDevice(): boolean {
    return this.#is(constants.S_IFBLK)
  }

  isCharacterDevice(): boolean {
    return this.#is(constants.S_IFCHR)
  }

  isSymbolicLink(): boolean {
    return this.#is(constants.S_IFLNK)
  }

  isFIFO(): boolean {
    return this.#is(constants.S_IFIFO)
  }

  isSocket(): boolean {
    return this.#is(constants.S_IFSOCK)
  }

  #is(type: number): boolean {
    return ((this.mode ?? 0) & constants.S_IFMT) === type
  }
}

export function statsOf({ size, owner, mode, times }: Attributes): Stats {
  return new Stats({ size: size === undefined ? undefined : Number(size), ...owner, mode, ...times })
}

/** One name of a directory. */
export interface FileEntry {
  readonly filename: string
  /** A line as `ls -l` shows it. */
  readonly longname: string
  readonly attrs: Stats
}

export function entryOf({ name, longName, attributes }: NameEntry): FileEntry {
  return { filename: name.toString('utf8'), longname: longName.toString('utf8'), attrs: statsOf(attributes) }
}

/** What a program may set of a file. */
export interface InputAttributes {
  readonly mode?: number | string | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  readonly size?: number | undefined
  readonly atime?: number | Date | undefined
  readonly mtime?: number | Date | undefined
}

/** @throws Error for a mode or time that is none */
export function attributesOf(given: unknown): Attributes {
  if (typeof given !== 'object' || given === null) return {}
  const field = (name: string): unknown => Reflect.get(given, name)
  const [size, uid, gid, mode, atime, mtime] = ['size', 'uid', 'gid', 'mode', 'atime', 'mtime'].map(field)
  return {
    size: typeof size === 'number' ? BigInt(Math.max(0, Math.trunc(size))) : undefined,
    owner: typeof uid === 'number' && typeof gid === 'number' ? { uid: uid >>> 0, gid: gid >>> 0 } : undefined,
    mode: typeof mode === 'number' || typeof mode === 'string' ? modeOf(mode) : undefined,
    times: isTime(atime) && isTime(mtime) ? { atime: seconds(atime), mtime: seconds(mtime) } : undefined,
  }
}

/** @throws Error */
export function modeOf(mode: unknown): number {
  const number = typeof mode === 'string' ? Number.parseInt(mode, 8) : mode
  if (typeof number === 'number' && !Number.isNaN(number)) return number >>> 0
  throw new Error(`Cannot parse mode: ${String(mode)}`)
}

/** @throws Error */
export function unixTime(time: unknown): number {
  if (isTime(time) && !Number.isNaN(Number(time))) return seconds(time)
  throw new Error(`Cannot parse time: ${String(time)}`)
}

function isTime(value: unknown): value is number | Date {
  return typeof value === 'number' || isDate(value)
}

function seconds(time: number | Date): number {
  return Math.trunc(isDate(time) ? time.getTime() / 1000 : time) >>> 0
}
