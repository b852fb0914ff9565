import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'

/** The one version that has a standard: RFC 4819. */
export const protocolVersion = 2

/** A public key, as it stands in the messages of RFC 4252. */
export interface PublicKey {
  /** `ssh-ed25519` */
  readonly algorithm: string
  readonly blob: Buffer
}

/** What a server keeps with a key: `comment`, `from`, `command-override` and others of RFC 4819. */
export interface KeyAttribute {
  readonly name: string
  readonly value: string
}

/** What a client asks for. */
export type Request =
  | {
      readonly type: 'add'
      readonly key: PublicKey
      readonly overwrite: boolean
      readonly attributes: readonly (KeyAttribute & { readonly isCritical: boolean })[]
    }
  | { readonly type: 'remove'; readonly key: PublicKey }
  | { readonly type: 'list' }
  | { readonly type: 'listattributes' }

export interface ListedKey extends PublicKey {
  readonly attributes: readonly KeyAttribute[]
}

/** An attribute that a server knows. */
export interface KnownAttribute {
  readonly name: string
  /** Whether every key gets it, whatever is asked for. */
  readonly isCompulsory: boolean
}

/** What a server says. */
export type Response =
  | { readonly type: 'version'; readonly version: number }
  | { readonly type: 'status'; readonly code: number; readonly description: string }
  | { readonly type: 'publickey'; readonly key: ListedKey }
  | { readonly type: 'attribute'; readonly attribute: KnownAttribute }

/** RFC 4819 names 12. */
const maxAttributes = 100

/** A whole packet, its length included. */
export function encodeRequest(request: Request): Buffer {
  const writer = new Writer().uint32(0).string(request.type)
  if (request.type === 'add' || request.type === 'remove') writer.string(request.key.algorithm).string(request.key.blob)
  if (request.type === 'add') {
    writer.boolean(request.overwrite).uint32(request.attributes.length)
    for (const { name, value, isCritical } of request.attributes) writer.string(name).string(value).boolean(isCritical)
  }
  return framed(writer)
}

/** A whole packet: what both sides begin with, and a status, which a client sends where it cannot speak that version. */
export function encodeResponse(response: Response): Buffer {
  const writer = new Writer().uint32(0).string(response.type)
  switch (response.type) {
    case 'version':
      writer.uint32(response.version)
      break
    case 'status':
      writer.uint32(response.code).string(response.description).string('')
      break
    case 'publickey': {
      const { algorithm, blob, attributes } = response.key
      writer.string(algorithm).string(blob).uint32(attributes.length)
      for (const { name, value } of attributes) writer.string(name).string(value)
      break
    }
    case 'attribute':
      writer.string(response.attribute.name).boolean(response.attribute.isCompulsory)
      break
  }
  return framed(writer)
}

/** @param packet without its length; blobs share memory with it. @throws HoldfastError ERR_SSH_PROTOCOL */
export function decodeResponse(packet: Buffer): Response {
  const reader = new Reader('publickey response', packet)
  const response = readBody(reader, reader.name('name'))
  reader.end()
  return response
}

function readBody(reader: Reader, name: string): Response {
  switch (name) {
    case 'version':
      return { type: 'version', version: reader.uint32('version') }
    case 'status':
      return readStatus(reader)
    case 'publickey':
      return { type: 'publickey', key: readKey(reader) }
    case 'attribute':
      return {
        type: 'attribute',
        attribute: { name: reader.text('attribute name'), isCompulsory: reader.boolean('compulsory') },
      }
    default:
      throw reader.error('name', 'is none of version, status, publickey, attribute')
  }
}

function readStatus(reader: Reader): Response {
  const code = reader.uint32('code')
  const description = reader.text('description')
  reader.string('language tag')
  return { type: 'status', code, description }
}

function readKey(reader: Reader): ListedKey {
  const algorithm = reader.name('algorithm')
  const blob = reader.string('blob')
  const count = reader.uint32('attribute count')
  if (count > maxAttributes)
    throw reader.error('attribute count', `is ${count}, where at most ${maxAttributes} are allowed`)
  const attributes = Array.from({ length: count }, () => {
    return { name: reader.text('attribute name'), value: reader.text('attribute value') }
  })
  return { algorithm, blob, attributes }
}

function framed(writer: Writer): Buffer {
  const packet = writer.finish()
  packet.writeUInt32BE(packet.length - 4, 0)
  return packet
}
