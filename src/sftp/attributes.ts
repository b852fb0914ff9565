import type { Reader } from '../wire/reader.js'
import { uint32At } from '../wire/uint32.js'
import type { Writer } from '../wire/writer.js'

/** What is said of a file (draft-ietf-secsh-filexfer-02 section 5); what is undefined is not said. */
export interface Attributes {
  readonly size?: bigint | undefined
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /** Type and permissions, as `st_mode` of POSIX. */
  readonly mode?: number | undefined
  /** Seconds since 1970. */
  readonly times?: { readonly atime: number; readonly mtime: number } | undefined
}

const flag = { SIZE: 1, UIDGID: 2, PERMISSIONS: 4, ACMODTIME: 8, EXTENDED: 0x80000000 } as const

/** More of what nobody here understands is an attack. */
const maxExtended = 100

export function writeAttributes(writer: Writer, { size, owner, mode, times }: Attributes): Writer {
  const flags =
    (size === undefined ? 0 : flag.SIZE) |
    (owner === undefined ? 0 : flag.UIDGID) |
    (mode === undefined ? 0 : flag.PERMISSIONS) |
    (times === undefined ? 0 : flag.ACMODTIME)
  writer.uint32(flags)
  if (size !== undefined) writer.uint64(size)
  if (owner !== undefined) writer.uint32(owner.uid).uint32(owner.gid)
  if (mode !== undefined) writer.uint32(mode)
  if (times !== undefined) writer.uint32(times.atime).uint32(times.mtime)
  return writer
}

export function readAttributes(reader: Reader): Attributes {
  const flags = reader.uint32('attribute flags')
  const has = (bit: number) => (flags & bit) !== 0
  const size = has(flag.SIZE) ? reader.uint64('size') : undefined
  const owner = has(flag.UIDGID) ? { uid: reader.uint32('uid'), gid: reader.uint32('gid') } : undefined
  const mode = has(flag.PERMISSIONS) ? reader.uint32('permissions') : undefined
  const times = has(flag.ACMODTIME) ? { atime: reader.uint32('atime'), mtime: reader.uint32('mtime') } : undefined
  if (has(flag.EXTENDED)) skipExtended(reader)
  return { size, owner, mode, times }
}

/** How long attributes are of which all is said, as OpenSSH does. */
export const wholeLength = 32

/** The same of those, by one function; undefined for others. @param at where their flags are, and all of `wholeLength` behind */
export function readWholeAttributes(bytes: Buffer, at: number): Attributes | undefined {
  if (uint32At(bytes, at) !== (flag.SIZE | flag.UIDGID | flag.PERMISSIONS | flag.ACMODTIME)) return undefined
  return {
    size: bytes.readBigUInt64BE(at + 4),
    owner: { uid: uint32At(bytes, at + 12), gid: uint32At(bytes, at + 16) },
    mode: uint32At(bytes, at + 20),
    times: { atime: uint32At(bytes, at + 24), mtime: uint32At(bytes, at + 28) },
  }
}

function skipExtended(reader: Reader): void {
  const count = reader.uint32('extended count')
  if (count > maxExtended) throw reader.error('extended count', `is ${count}, where at most ${maxExtended} are allowed`)
  for (let index = 0; index < count; index++) {
    reader.string('extended type')
    reader.string('extended data')
  }
}
