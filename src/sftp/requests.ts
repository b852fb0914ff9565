import { Reader } from '../wire/reader.js'
import { putUint32 } from '../wire/uint32.js'
import { Writer } from '../wire/writer.js'
import { type Attributes, readAttributes, writeAttributes } from './attributes.js'
import { type Extension, extensions, packetName, packetType, protocolVersion } from './numbers.js'
import type { PacketMemory } from './packet-memory.js'

/** A path as it goes over the wire: bytes, for which nobody says an encoding. */
export type PathBytes = Buffer

/** What a client asks for (draft-ietf-secsh-filexfer-02 section 6). */
export type Request =
  | { readonly type: 'OPEN'; readonly path: PathBytes; readonly flags: number; readonly attributes: Attributes }
  | { readonly type: 'CLOSE' | 'FSTAT' | 'READDIR'; readonly handle: Buffer }
  | { readonly type: 'READ'; readonly handle: Buffer; readonly offset: bigint; readonly length: number }
  | { readonly type: 'WRITE'; readonly handle: Buffer; readonly offset: bigint; readonly data: Uint8Array }
  | {
      readonly type: 'LSTAT' | 'STAT' | 'OPENDIR' | 'REMOVE' | 'RMDIR' | 'REALPATH' | 'READLINK'
      readonly path: PathBytes
    }
  | { readonly type: 'SETSTAT' | 'MKDIR'; readonly path: PathBytes; readonly attributes: Attributes }
  | { readonly type: 'FSETSTAT'; readonly handle: Buffer; readonly attributes: Attributes }
  /** The order of SYMLINK is OpenSSH's, which is not the draft's: what the link says, then where it is. */
  | { readonly type: 'RENAME' | 'SYMLINK'; readonly from: PathBytes; readonly to: PathBytes }
  | { readonly type: 'EXTENDED'; readonly name: string; readonly data: Buffer }

/** What comes before the data of a WRITE whose handle is as long as the draft allows. */
export const writeOverhead = 4 + 1 + 4 + 4 + 256 + 8 + 4

/** The draft's own limit for handles. */
export const maxHandle = 256

/** Where the id stands in a packet: behind length and type. */
export const idOffset = 5

export function encodeInit(): Buffer {
  return framed(new Writer(9).uint32(0).byte(packetType.INIT).uint32(protocolVersion))
}

/**
 * A whole packet, its length included. Those that each small file and each piece of a large one take are put together without a
 * `Writer`, of which each took a dozen calls. @param memory where the data of a WRITE goes
 */
export function encodeRequest(id: number, request: Request, memory: PacketMemory): Buffer {
  if (request.type === 'READ') return encodeRead(id, request)
  if (request.type === 'WRITE') return encodeWrite(id, request, memory)
  if (isPlain(request)) return begun(Buffer.allocUnsafe(headLength + request.handle.length), id, request)
  return framed(writeBody(new Writer().uint32(0).byte(packetType[request.type]).uint32(id), request))
}

/** Whether it has a handle, and nothing else. */
function isPlain(request: Request): request is PlainRequest {
  return request.type === 'CLOSE' || request.type === 'FSTAT' || request.type === 'READDIR'
}

/** Length, type, id, and how long the handle is. */
const headLength = 13

/** Writes into a packet what it begins with. */
function begun(packet: Buffer, id: number, { type, handle }: HandleRequest): Buffer {
  putUint32(packet, 0, packet.length - 4)
  packet[4] = packetType[type]
  putUint32(packet, idOffset, id)
  putUint32(packet, 9, handle.length)
  packet.set(handle, headLength)
  return packet
}

function encodeRead(id: number, request: ReadRequest): Buffer {
  const at = headLength + request.handle.length
  const packet = begun(Buffer.allocUnsafe(at + 12), id, request)
  packet.writeBigUInt64BE(request.offset, at)
  putUint32(packet, at + 8, request.length)
  return packet
}

function encodeWrite(id: number, request: WriteRequest, memory: PacketMemory): Buffer {
  const { data } = request
  const at = headLength + request.handle.length
  const packet = begun(memory.take(at + 12 + data.length), id, request)
  packet.writeBigUInt64BE(request.offset, at)
  putUint32(packet, at + 8, data.length)
  packet.set(data, at + 12)
  return packet
}

function writeBody(writer: Writer, request: Exclude<Request, HandleRequest>): Writer {
  switch (request.type) {
    case 'OPEN':
      return writeAttributes(writer.string(request.path).uint32(request.flags), request.attributes)
    case 'SETSTAT':
    case 'MKDIR':
      return writeAttributes(writer.string(request.path), request.attributes)
    case 'FSETSTAT':
      return writeAttributes(writer.string(request.handle), request.attributes)
    case 'RENAME':
    case 'SYMLINK':
      return writer.string(request.from).string(request.to)
    case 'EXTENDED':
      return writer.string(request.name).bytes(request.data)
    case 'LSTAT':
    case 'STAT':
    case 'OPENDIR':
    case 'REMOVE':
    case 'RMDIR':
    case 'REALPATH':
    case 'READLINK':
      break
  }
  return writer.string(request.path)
}

/** The request of an extension, with what it carries. */
export function extended(name: Extension, data: Writer): Request {
  return { type: 'EXTENDED', name: extensions[name][0], data: data.finish() }
}

type PlainRequest = Extract<Request, { type: 'CLOSE' | 'FSTAT' | 'READDIR' }>
type ReadRequest = Extract<Request, { type: 'READ' }>
type WriteRequest = Extract<Request, { type: 'WRITE' }>
type HandleRequest = PlainRequest | ReadRequest | WriteRequest

export interface IdentifiedRequest {
  readonly id: number
  readonly request: Request
}

/** @param packet without its length. @throws HoldfastError ERR_SSH_PROTOCOL */
export function decodeRequest(packet: Buffer): IdentifiedRequest {
  const type = new Reader('SFTP request', packet).byte('type')
  const reader = new Reader(packetName(type), packet, 1)
  const id = reader.uint32('id')
  const request = readBody(reader, type)
  reader.end()
  return { id, request }
}

function readBody(reader: Reader, type: number): Request {
  const path = () => reader.string('path')
  const handle = () => reader.string('handle', maxHandle)
  const attributes = () => readAttributes(reader)
  switch (type) {
    case packetType.OPEN:
      return { type: 'OPEN', path: path(), flags: reader.uint32('flags'), attributes: attributes() }
    case packetType.READ:
      return { type: 'READ', handle: handle(), offset: reader.uint64('offset'), length: reader.uint32('length') }
    case packetType.WRITE:
      return { type: 'WRITE', handle: handle(), offset: reader.uint64('offset'), data: reader.string('data') }
    case packetType.FSETSTAT:
      return { type: 'FSETSTAT', handle: handle(), attributes: attributes() }
    case packetType.EXTENDED:
      return { type: 'EXTENDED', name: reader.name('name'), data: reader.rest() }
    default:
  }
  const name = namesOf.get(type)
  switch (name) {
    case 'CLOSE':
    case 'FSTAT':
    case 'READDIR':
      return { type: name, handle: handle() }
    case 'SETSTAT':
    case 'MKDIR':
      return { type: name, path: path(), attributes: attributes() }
    case 'RENAME':
    case 'SYMLINK':
      return { type: name, from: path(), to: path() }
    case 'LSTAT':
    case 'STAT':
    case 'OPENDIR':
    case 'REMOVE':
    case 'RMDIR':
    case 'REALPATH':
    case 'READLINK':
      return { type: name, path: path() }
    case undefined:
      break
  }
  throw reader.error('type', 'is no request')
}

const sameShaped = [
  'CLOSE',
  'FSTAT',
  'READDIR',
  'SETSTAT',
  'MKDIR',
  'RENAME',
  'SYMLINK',
  'LSTAT',
  'STAT',
  'OPENDIR',
  'REMOVE',
  'RMDIR',
  'REALPATH',
  'READLINK',
] as const

const namesOf = new Map<number, (typeof sameShaped)[number]>(sameShaped.map((name) => [packetType[name], name]))

/** Writes the length, which leaves itself out, over the place that was kept for it. */
export function framed(writer: Writer): Buffer {
  const packet = writer.finish()
  packet.writeUInt32BE(packet.length - 4, 0)
  return packet
}
