/** Messages of the transport layer: RFC 4253 section 11, RFC 8308 (EXT_INFO), OpenSSH PROTOCOL 1.9 (PING). */
import { copyOf } from './copy.js'
import { messageNumber } from './numbers.js'
import { Reader } from './reader.js'
import { Writer } from './writer.js'

export interface Disconnect {
  readonly reason: number
  readonly description: string
}

export function encodeDisconnect({ reason, description }: Disconnect): Buffer {
  return new Writer().byte(messageNumber.DISCONNECT).uint32(reason).string(description).string('').finish()
}

export function decodeDisconnect(payload: Buffer): Disconnect {
  const reader = new Reader('DISCONNECT', payload, 1)
  const reason = reader.uint32('reason code')
  const description = reader.text('description')
  return { reason, description }
}

export function encodeIgnore(data: Uint8Array): Buffer {
  return new Writer().byte(messageNumber.IGNORE).string(data).finish()
}

export function decodeIgnore(payload: Buffer): Buffer {
  return new Reader('IGNORE', payload, 1).string('data')
}

export function encodeUnimplemented(sequence: number): Buffer {
  return new Writer().byte(messageNumber.UNIMPLEMENTED).uint32(sequence).finish()
}

export function decodeUnimplemented(payload: Buffer): number {
  const reader = new Reader('UNIMPLEMENTED', payload, 1)
  const sequence = reader.uint32('packet sequence number')
  reader.end()
  return sequence
}

export interface Debug {
  readonly alwaysDisplay: boolean
  readonly message: string
}

export function decodeDebug(payload: Buffer): Debug {
  const reader = new Reader('DEBUG', payload, 1)
  return { alwaysDisplay: reader.boolean('always_display'), message: reader.text('message') }
}

export function encodeServiceRequest(service: string): Buffer {
  return new Writer().byte(messageNumber.SERVICE_REQUEST).string(service).finish()
}

export function decodeServiceRequest(payload: Buffer): string {
  const reader = new Reader('SERVICE_REQUEST', payload, 1)
  const service = reader.name('service name')
  reader.end()
  return service
}

export function encodeServiceAccept(service: string): Buffer {
  return new Writer().byte(messageNumber.SERVICE_ACCEPT).string(service).finish()
}

export function decodeServiceAccept(payload: Buffer): string {
  const reader = new Reader('SERVICE_ACCEPT', payload, 1)
  const service = reader.name('service name')
  reader.end()
  return service
}

/** RFC 8308 section 2.3: extension names and their values, which are binary. */
export type Extensions = ReadonlyMap<string, Buffer>

/** More extensions than this in one EXT_INFO is an attack: about ten are defined. */
const maxExtensions = 128

export function encodeExtInfo(extensions: Extensions): Buffer {
  const writer = new Writer().byte(messageNumber.EXT_INFO).uint32(extensions.size)
  for (const [name, value] of extensions) writer.string(name).string(value)
  return writer.finish()
}

export function decodeExtInfo(payload: Buffer): Extensions {
  const reader = new Reader('EXT_INFO', payload, 1)
  const count = reader.uint32('nr-extensions')
  if (count > maxExtensions)
    throw reader.error('nr-extensions', `is ${count}, where at most ${maxExtensions} are allowed`)
  const extensions = new Map<string, Buffer>()
  for (let index = 0; index < count; index++) {
    const name = reader.name('extension-name')
    extensions.set(name, copyOf(reader.string('extension-value')))
  }
  reader.end()
  return extensions
}

/** RFC 8308 section 3.1: the value of the extension is the name-list itself. */
export function decodeServerSigAlgs(value: Buffer): readonly string[] {
  return new Reader('EXT_INFO', value).lastNameList('server-sig-algs')
}

export function encodePing(data: Uint8Array): Buffer {
  return new Writer().byte(messageNumber.PING).string(data).finish()
}

export function decodePing(payload: Buffer): Buffer {
  const reader = new Reader('PING', payload, 1)
  const data = reader.string('data')
  reader.end()
  return data
}

export function encodePong(data: Uint8Array): Buffer {
  return new Writer().byte(messageNumber.PONG).string(data).finish()
}

export function decodePong(payload: Buffer): Buffer {
  const reader = new Reader('PONG', payload, 1)
  const data = reader.string('data')
  reader.end()
  return data
}
