import { scpProtocolError } from './scp-error.js'

/** What goes over the wire before the contents of files. SCP has no specification: this is what OpenSSH's scp.c does. */
export type ScpRecord =
  | { readonly type: 'file'; readonly mode: number; readonly size: number; readonly name: Buffer }
  | { readonly type: 'directory'; readonly mode: number; readonly name: Buffer }
  | { readonly type: 'end' }
  /** Of the file or directory that comes next, in seconds since 1970. */
  | { readonly type: 'times'; readonly mtime: number; readonly atime: number }

/** Names and what is in front of them fit into far less on every system. */
export const maxRecord = 8 * 1024

const entry = /^[CD](\d{4}) (\d{1,16}) (.*)$/s
const times = /^T(\d{1,10}) \d{1,6} (\d{1,10}) \d{1,6}$/

/** @param bytes a line without its end. @throws HoldfastError ERR_SSH_SCP_PROTOCOL */
export function decodeRecord(bytes: Buffer): ScpRecord {
  // One character a byte: a name may be anything.
  const text = bytes.toString('latin1')
  switch (text.slice(0, 1)) {
    case 'C':
      return { type: 'file', ...decodeEntry(text) }
    case 'D':
      return { type: 'directory', ...decodeEntry(text) }
    case 'E':
      if (text !== 'E') throw wrong(text)
      return { type: 'end' }
    case 'T':
      return decodeTimes(text)
    default:
      throw wrong(text)
  }
}

function decodeEntry(text: string) {
  const [, mode = '', size = '', name = ''] = entry.exec(text) ?? []
  const bytes = Number(size)
  if (!/^[0-7]{4}$/.test(mode) || !Number.isSafeInteger(bytes)) throw wrong(text)
  return { mode: Number.parseInt(mode, 8), size: bytes, name: Buffer.from(name, 'latin1') }
}

function decodeTimes(text: string): ScpRecord {
  const [, mtime, atime] = times.exec(text) ?? []
  if (mtime === undefined || atime === undefined) throw wrong(text)
  return { type: 'times', mtime: Number(mtime), atime: Number(atime) }
}

function wrong(text: string): Error {
  return scpProtocolError(`'${JSON.stringify(text.slice(0, 60)).slice(1, -1)}' is no record of a file or directory`)
}

export function encodeRecord(record: ScpRecord): Buffer {
  switch (record.type) {
    case 'file':
      return line(`C${octal(record.mode)} ${record.size} `, record.name)
    case 'directory':
      return line(`D${octal(record.mode)} 0 `, record.name)
    case 'times':
      return line(`T${record.mtime} 0 ${record.atime} 0`)
    case 'end':
      break
  }
  return line('E')
}

function line(head: string, name: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from(head), name, Buffer.from('\n')])
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}
