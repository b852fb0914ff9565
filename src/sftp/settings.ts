import { isDate, isUint8Array } from 'node:util/types'
import { optionError } from '../session/option-error.js'
import { printable } from '../wire/printable.js'

/** What every call takes. */
export interface CallOptions {
  /** Gives the call up, with an `AbortError`. What the server was asked for already, it may do all the same. */
  readonly signal?: AbortSignal | undefined
}

export interface OpenOptions extends CallOptions {
  /** Of a file that is made. @default 0o666, of which the server takes its umask */
  readonly mode?: number | string | undefined
}

/** A path on the server: text goes as UTF-8; a Buffer goes as it is. One that is not absolute starts at the home. */
export type RemotePath = string | Uint8Array

/** An instant as `utimes` takes it: seconds since 1970, or a Date. */
export type FileTime = number | string | Date

/** More would not fit into a packet with what else goes there; no system takes a tenth of it. */
const maxPath = 32 * 1024

/** @throws HoldfastError ERR_SSH_OPTION */
export function toPath(path: unknown, field = 'path'): Buffer {
  if (typeof path !== 'string' && !isUint8Array(path)) throw optionError(field, 'must be a string or a Buffer')
  const bytes = Buffer.from(path)
  if (bytes.length === 0 || bytes.includes(0)) throw optionError(field, 'must not be empty, and have no NUL')
  if (bytes.length > maxPath) throw optionError(field, `has ${bytes.length} bytes, and at most ${maxPath} may go`)
  return bytes
}

/** A path of this machine. @throws HoldfastError ERR_SSH_OPTION */
export function toLocal(path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path
  throw optionError('local', 'must be a string, not empty and without NUL')
}

/** As an error shows it. */
export function pathText(path: RemotePath): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString('utf8')
}

/** Permissions as `node:fs` takes them: a number, or its octal digits. @throws HoldfastError ERR_SSH_OPTION */
export function toMode(mode: unknown, field = 'mode'): number {
  const value = typeof mode === 'string' && /^[0-7]+$/.test(mode) ? Number.parseInt(mode, 8) : mode
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0o177777) return value
  throw optionError(field, `must be a number or octal digits, not '${printable(String(mode), 40)}'`)
}

/** @throws HoldfastError ERR_SSH_OPTION */
export function toUint32(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return value
  throw optionError(field, `must be a whole number from 0 to 4294967295, not '${printable(String(value), 40)}'`)
}

/** @throws HoldfastError ERR_SSH_OPTION */
export function toSeconds(time: unknown, field: string): number {
  const seconds = isDate(time) ? time.getTime() / 1000 : Number(time)
  return toUint32(Math.floor(seconds), field)
}

/** @throws HoldfastError ERR_SSH_OPTION */
export function toOffset(value: unknown, field: string): number {
  if (typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER) return toOffset(Number(value), field)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw optionError(field, `must be a whole number of bytes, not '${printable(String(value), 40)}'`)
}

/** @throws HoldfastError ERR_SSH_OPTION */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw optionError('signal', 'must be an AbortSignal')
}

/** @throws HoldfastError ERR_SSH_OPTION */
export function checkEncoding(encoding: unknown): BufferEncoding | undefined {
  if (encoding === undefined || encoding === null || encoding === 'buffer') return undefined
  if (typeof encoding === 'string' && Buffer.isEncoding(encoding)) return encoding
  throw optionError('encoding', "must be one that Buffer knows, or 'buffer'")
}
