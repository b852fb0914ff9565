import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import { packetType, protocolVersion } from './numbers.js'
import { framed } from './requests.js'

/** What a server says of itself before anything else (draft-ietf-secsh-filexfer-02 section 4). */
export interface Version {
  readonly version: number
  /** The extensions that it has, with what it says of each: their versions, as a rule. */
  readonly extensions: ReadonlyMap<string, string>
}

/** OpenSSH 10 names 11. */
const maxExtensions = 1000

/** @param packet without its length. @throws HoldfastError ERR_SSH_PROTOCOL */
export function decodeVersion(packet: Buffer): Version {
  const reader = new Reader('SFTP VERSION', packet)
  const type = reader.byte('type')
  if (type !== packetType.VERSION)
    throw reader.error('type', `is ${type}, where ${packetType.VERSION} has to come first`)
  const version = reader.uint32('version')
  const extensions = new Map<string, string>()
  while (reader.remaining > 0) {
    if (extensions.size === maxExtensions) throw reader.error('extensions', `are more than ${maxExtensions}`)
    extensions.set(reader.text('extension name'), reader.text('extension data'))
  }
  return { version, extensions }
}

/** A whole packet, its length included. */
export function encodeVersion(extensions: readonly (readonly [name: string, data: string])[] = []): Buffer {
  const writer = new Writer().uint32(0).byte(packetType.VERSION).uint32(protocolVersion)
  for (const [name, data] of extensions) writer.string(name).string(data)
  return framed(writer)
}
