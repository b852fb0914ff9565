import { Reader } from '../wire/reader.js'
import { uint32At } from '../wire/uint32.js'
import { Writer } from '../wire/writer.js'
import { type Attributes, readAttributes, readWholeAttributes, wholeLength, writeAttributes } from './attributes.js'
import { packetName, packetType } from './numbers.js'
import { framed, maxHandle } from './requests.js'

/** One entry of a NAME: of a directory that is read, or a path. */
export interface NameEntry {
  readonly name: Buffer
  /** A line as `ls -l` shows it; its form is nobody's promise. What is read of it shares memory with its packet. */
  readonly longName: Buffer
  readonly attributes: Attributes
}

/** What a server answers (draft-ietf-secsh-filexfer-02 section 7). */
export type Reply =
  | { readonly type: 'STATUS'; readonly code: number; readonly message: string }
  | { readonly type: 'HANDLE'; readonly handle: Buffer }
  | { readonly type: 'DATA'; readonly data: Buffer }
  | { readonly type: 'NAME'; readonly names: readonly NameEntry[] }
  | { readonly type: 'ATTRS'; readonly attributes: Attributes }
  | { readonly type: 'EXTENDED_REPLY'; readonly data: Buffer }

export interface IdentifiedReply {
  readonly id: number
  readonly reply: Reply
}

/** OpenSSH sends 100 at a time; an entry takes at least 12 bytes, so this bounds what a packet can make of itself. */
const maxNames = 20_000

/** @param packet without its length; what is returned shares memory with it. @throws HoldfastError ERR_SSH_PROTOCOL */
export function decodeReply(packet: Buffer): IdentifiedReply {
  const plain = plainReply(packet)
  if (plain !== undefined) return { id: uint32At(packet, 1), reply: plain }
  const type = new Reader('SFTP reply', packet).byte('type')
  const reader = new Reader(packetName(type), packet, 1)
  const id = reader.uint32('id')
  const reply = readBody(reader, type)
  reader.end()
  return { id, reply }
}

/**
 * The replies that each small file gets, read by one function where they are as they should be: with a `Reader` each took
 * thirty calls. Undefined for all others, of which a `Reader` says what they are.
 */
function plainReply(packet: Buffer): Reply | undefined {
  const { length } = packet
  if (length < headLength) return undefined
  const [type] = packet
  const end = headLength + uint32At(packet, headLength - 4)
  if (type === packetType.HANDLE && end === length && length <= headLength + maxHandle)
    return { type: 'HANDLE', handle: Buffer.from(packet.subarray(headLength)) }
  if (type === packetType.ATTRS && length === headLength - 4 + wholeLength) {
    const attributes = readWholeAttributes(packet, headLength - 4)
    return attributes && { type: 'ATTRS', attributes }
  }
  if (type !== packetType.STATUS || length < headLength + 4) return undefined
  const messageAt = headLength + 4
  const tagAt = messageAt + uint32At(packet, headLength)
  if (tagAt + 4 > length || tagAt + 4 + uint32At(packet, tagAt) !== length) return undefined
  const code = uint32At(packet, headLength - 4)
  return { type: 'STATUS', code, message: packet.toString('utf8', messageAt, tagAt) }
}

/** Type, id, and one number. */
const headLength = 9

function readBody(reader: Reader, type: number): Reply {
  switch (type) {
    case packetType.STATUS:
      return readStatus(reader)
    case packetType.HANDLE:
      return { type: 'HANDLE', handle: Buffer.from(reader.string('handle', maxHandle)) }
    case packetType.DATA:
      return { type: 'DATA', data: reader.string('data') }
    case packetType.NAME:
      return { type: 'NAME', names: readNames(reader) }
    case packetType.ATTRS:
      return { type: 'ATTRS', attributes: readAttributes(reader) }
    case packetType.EXTENDED_REPLY:
      return { type: 'EXTENDED_REPLY', data: reader.rest() }
    default:
      throw reader.error('type', 'is no reply')
  }
}

/** Version 2 and some servers of version 3 send neither message nor language. */
function readStatus(reader: Reader): Reply {
  const code = reader.uint32('code')
  const message = reader.remaining === 0 ? '' : reader.text('message')
  if (reader.remaining > 0) reader.string('language tag')
  return { type: 'STATUS', code, message }
}

function readNames(reader: Reader): readonly NameEntry[] {
  const count = reader.uint32('count')
  if (count > maxNames) throw reader.error('count', `is ${count}, where at most ${maxNames} are allowed`)
  const names: NameEntry[] = []
  for (let index = 0; index < count; index++) {
    const name = Buffer.from(reader.string('name'))
    names.push({ name, longName: reader.string('long name'), attributes: readAttributes(reader) })
  }
  return names
}

/** A whole packet, its length included. */
export function encodeReply(id: number, reply: Reply): Buffer {
  return framed(writeBody(new Writer().uint32(0).byte(packetType[reply.type]).uint32(id), reply))
}

function writeBody(writer: Writer, reply: Reply): Writer {
  switch (reply.type) {
    case 'STATUS':
      return writer.uint32(reply.code).string(reply.message).string('')
    case 'HANDLE':
      return writer.string(reply.handle)
    case 'DATA':
      return writer.string(reply.data)
    case 'NAME':
      writer.uint32(reply.names.length)
      for (const { name, longName, attributes } of reply.names)
        writeAttributes(writer.string(name).string(longName), attributes)
      return writer
    case 'ATTRS':
      return writeAttributes(writer, reply.attributes)
    case 'EXTENDED_REPLY':
      break
  }
  return writer.bytes(reply.data)
}
