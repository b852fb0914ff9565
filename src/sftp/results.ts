import { printable } from '../wire/printable.js'
import type { Attributes } from './attributes.js'
import { status } from './numbers.js'
import type { NameEntry, Reply } from './replies.js'
import { type FileCall, SftpError, sftpProtocolError } from './sftp-error.js'

/** What a call gets out of its reply: a STATUS other than the one it waits for is its error. */
export type Result<T> = (reply: Reply) => T

export const done =
  (call: FileCall): Result<void> =>
  (reply) => {
    if (reply.type !== 'STATUS') throw unexpected(reply, 'STATUS', call)
    if (reply.code !== status.OK) throw new SftpError(reply.code, reply.message, call)
  }

export const handle =
  (call: FileCall): Result<Buffer> =>
  (reply) => {
    if (reply.type !== 'HANDLE') throw unexpected(reply, 'HANDLE', call)
    return reply.handle
  }

export const attributes =
  (call: FileCall): Result<Attributes> =>
  (reply) => {
    if (reply.type !== 'ATTRS') throw unexpected(reply, 'ATTRS', call)
    return reply.attributes
  }

/** At the end of the file: undefined. @param most what was asked for */
export const data =
  (call: FileCall, most: number): Result<Buffer | undefined> =>
  (reply) => {
    if (isEof(reply)) return undefined
    if (reply.type !== 'DATA') throw unexpected(reply, 'DATA', call)
    const { length } = reply.data
    // Nothing, and not the end, would be asked for again for ever.
    if (length === 0 || length > most)
      throw sftpProtocolError(
        `the server answers ${call.syscall} with ${length} bytes, where 1 to ${most} were asked for`,
      )
    return reply.data
  }

/** At the end of the directory: undefined. */
export const names =
  (call: FileCall): Result<readonly NameEntry[] | undefined> =>
  (reply) => {
    if (isEof(reply)) return undefined
    if (reply.type !== 'NAME') throw unexpected(reply, 'NAME', call)
    if (reply.names.length === 0) throw sftpProtocolError(`the server answers ${call.syscall} with no name`)
    return reply.names
  }

/** The one path that a NAME brings. */
export const onePath =
  (call: FileCall): Result<Buffer> =>
  (reply) => {
    if (reply.type !== 'NAME') throw unexpected(reply, 'NAME', call)
    const [first] = reply.names
    if (first === undefined || reply.names.length > 1)
      throw sftpProtocolError(`the server answers ${call.syscall} with ${reply.names.length} paths in place of one`)
    if (first.name.length === 0 || first.name.includes(0)) throw hostilePath(first.name, call)
    return first.name
  }

/** What an extension answers in its own way. */
export const extendedReply =
  <T>(call: FileCall, decode: (data: Buffer) => T): Result<T> =>
  (reply) => {
    if (reply.type !== 'EXTENDED_REPLY') throw unexpected(reply, 'EXTENDED_REPLY', call)
    return decode(reply.data)
  }

function isEof(reply: Reply): boolean {
  return reply.type === 'STATUS' && reply.code === status.EOF
}

function unexpected(reply: Reply, wanted: Reply['type'], call: FileCall): Error {
  if (reply.type === 'STATUS' && reply.code !== status.OK) return new SftpError(reply.code, reply.message, call)
  return sftpProtocolError(`the server answers ${call.syscall} with ${reply.type} in place of ${wanted}`)
}

function hostilePath(path: Buffer, { syscall }: FileCall): Error {
  return sftpProtocolError(
    `the server answers ${syscall} with a path that is none: '${printable(path.toString(), 60)}'`,
  )
}
