import { HoldfastError } from '../errors.js'
import type { TcpPlace } from '../wire/forward-messages.js'
import { printable } from '../wire/printable.js'

/** What to do about what came so far. Nothing: more has to come. */
export type SocksStep =
  /** To be said, and more is to come: `used` bytes are done with. */
  | { readonly type: 'answer'; readonly bytes: Buffer; readonly used: number }
  | { readonly type: 'request'; readonly version: SocksVersion; readonly to: TcpPlace; readonly used: number }
  | { readonly type: 'refusal'; readonly bytes: Buffer; readonly error: HoldfastError }
  | undefined

export type SocksVersion = 4 | 5

/** RFC 1928 section 6, and what SOCKS 4 has for the same. */
export type SocksReply = 'granted' | 'failed' | 'forbidden' | 'unreachable'
const replies: Readonly<Record<SocksReply, { readonly 4: number; readonly 5: number }>> = {
  granted: { 4: 90, 5: 0 },
  failed: { 4: 91, 5: 1 },
  forbidden: { 4: 91, 5: 2 },
  unreachable: { 4: 91, 5: 5 },
}

const connectCommand = 1
const noAuthentication = 0
/** A user id has no length of its own in SOCKS 4. */
const maxUserId = 255
const maxName = 255

export function encodeSocksReply(version: SocksVersion, reply: SocksReply): Buffer {
  return version === 4 ? reply4(replies[reply][4]) : reply5(replies[reply][5])
}

/** Reads the first bytes of a client. `greeted`: its greeting of SOCKS 5 was answered. Takes no byte for granted. */
export function readSocks(bytes: Buffer, greeted: boolean): SocksStep {
  const version = bytes[0]
  if (version === undefined) return undefined
  if (version === 5) return greeted ? readRequest5(bytes) : readGreeting(bytes)
  if (version === 4 && !greeted) return readRequest4(bytes)
  return refusal(Buffer.alloc(0), `begins with byte ${version}, which is no version of SOCKS that is spoken here`)
}

/** RFC 1928 section 3. */
function readGreeting(bytes: Buffer): SocksStep {
  const count = bytes[1]
  if (count === undefined || bytes.length < 2 + count) return undefined
  if (bytes.subarray(2, 2 + count).includes(noAuthentication))
    return { type: 'answer', bytes: Buffer.of(5, noAuthentication), used: 2 + count }
  return refusal(Buffer.of(5, 0xff), 'offers no way to go without authentication, which is all there is here')
}

/** RFC 1928 section 4. */
function readRequest5(bytes: Buffer): SocksStep {
  if (bytes.length < 5) return undefined
  const [, command, , kind, first = 0] = bytes
  const size = kind === 1 ? 4 : kind === 4 ? 16 : kind === 3 ? 1 + first : undefined
  if (command !== connectCommand) return refusal(reply5(7), `asks for command ${command}, and only CONNECT is known`)
  if (size === undefined) return refusal(reply5(8), `names an address of the unknown type ${kind}`)
  const used = 4 + size + 2
  if (bytes.length < used) return undefined
  const host = kind === 3 ? nameIn(bytes.subarray(5, 4 + size)) : addressIn(bytes.subarray(4, 4 + size))
  if (host === undefined) return refusal(reply5(1), 'names a host that can be none')
  return request(5, host, bytes.readUInt16BE(4 + size), used)
}

/** SOCKS 4, and 4a: an address 0.0.0.x stands for a name that comes after the user id. */
function readRequest4(bytes: Buffer): SocksStep {
  if (bytes.length < 9) return undefined
  if (bytes[1] !== connectCommand) return refusal(reply4(91), `asks for command ${bytes[1]}, and only CONNECT is known`)
  const port = bytes.readUInt16BE(2)
  const address = bytes.subarray(4, 8)
  const idEnd = endOfText(bytes, 8, maxUserId)
  if (idEnd === 'too long') return refusal(reply4(91), 'has a user id without end')
  if (idEnd === undefined) return undefined
  if (address.readUInt32BE(0) === 0 || address.readUInt32BE(0) > 0xff)
    return request(4, addressIn(address), port, idEnd + 1)
  const nameEnd = endOfText(bytes, idEnd + 1, maxName)
  if (nameEnd === 'too long') return refusal(reply4(91), 'has a host name without end')
  if (nameEnd === undefined) return undefined
  const host = nameIn(bytes.subarray(idEnd + 1, nameEnd))
  if (host === undefined) return refusal(reply4(91), 'names a host that can be none')
  return request(4, host, port, nameEnd + 1)
}

function request(version: SocksVersion, host: string, port: number, used: number): SocksStep {
  if (port !== 0) return { type: 'request', version, to: { host, port }, used }
  return refusal(encodeSocksReply(version, 'failed'), `names port 0 of ${printable(host)}`)
}

/** Where the NUL after a text stands; undefined where it may still come. */
function endOfText(bytes: Buffer, from: number, most: number): number | 'too long' | undefined {
  const end = bytes.indexOf(0, from)
  if (end === -1) return bytes.length - from > most ? 'too long' : undefined
  return end - from > most ? 'too long' : end
}

/** A name goes to the server as it is, where it is looked up. */
function nameIn(bytes: Buffer): string | undefined {
  const name = bytes.toString('latin1')
  return /^[\x21-\x7e]+$/.test(name) ? name : undefined
}

function addressIn(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(':')
}

function refusal(bytes: Buffer, problem: string): SocksStep {
  const error = new HoldfastError('ERR_SSH_SOCKS', `a client of the dynamic forward ${problem}`, { phase: 'request' })
  return { type: 'refusal', bytes, error }
}

/** No client looks at the address of ours in it. */
function reply5(code: number): Buffer {
  return Buffer.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0)
}

function reply4(code: number): Buffer {
  return Buffer.of(0, code, 0, 0, 0, 0, 0, 0)
}
