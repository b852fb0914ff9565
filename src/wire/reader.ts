import { HoldfastError } from '../errors.js'
import { uint32At } from './uint32.js'

const none = Buffer.alloc(0)

/** More names than this in one list is an attack, not an offer: OpenSSH 10 sends about 20. */
const maxNames = 1000

/**
 * Reads the types of RFC 4251 section 5 from one message, checking every length against what is there. Each method
 * names the field that it reads, so that an error can say which one was wrong.
 */
export class Reader {
  readonly #message: string
  readonly #bytes: Buffer
  #offset: number

  /** @param message the name of the message, as errors are to show it */
  constructor(message: string, bytes: Buffer, offset = 0) {
    this.#message = message
    this.#bytes = bytes
    this.#offset = offset
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  byte(field: string): number {
    const at = this.#take(1, field)
    return this.#bytes[at] ?? 0
  }

  boolean(field: string): boolean {
    return this.byte(field) !== 0
  }

  uint32(field: string): number {
    const at = this.#take(4, field)
    return uint32At(this.#bytes, at)
  }

  uint64(field: string): bigint {
    const at = this.#take(8, field)
    return this.#bytes.readBigUInt64BE(at)
  }

  /** Bytes of a fixed length. The result shares memory with the message. */
  bytes(length: number, field: string): Buffer {
    const at = this.#take(length, field)
    return this.#bytes.subarray(at, at + length)
  }

  /** A length-prefixed string of bytes. The result shares memory with the message. */
  string(field: string, maxLength = Number.POSITIVE_INFINITY): Buffer {
    return this.bytes(this.#length(field, maxLength), field)
  }

  /** A string in UTF-8. Invalid sequences become U+FFFD: text from a peer must never end a connection. */
  text(field: string, maxLength?: number): string {
    return this.string(field, maxLength).toString('utf8')
  }

  /** A string that the RFCs define as printable US-ASCII: names of algorithms, methods, requests, channel types. */
  name(field: string, maxLength = 1024): string {
    const length = this.#length(field, maxLength)
    const at = this.#take(length, field)
    const name = this.#bytes.toString('latin1', at, at + length)
    if (!/^[\x21-\x7e]*$/.test(name)) throw this.error(field, 'has characters outside printable US-ASCII')
    return name
  }

  nameList(field: string): readonly string[] {
    return this.#names(this.string(field), field)
  }

  /** A name-list that is all that is left, with no length of its own. */
  lastNameList(field: string): readonly string[] {
    return this.#names(this.rest(), field)
  }

  /** A non-negative multiple precision integer, as its magnitude without leading zeros. */
  mpint(field: string, maxLength = 2100): Buffer {
    const bytes = this.string(field, maxLength)
    const first = bytes[0]
    if (first === undefined) return bytes
    if (first & 0x80) throw this.error(field, 'is negative')
    if (first !== 0) return bytes
    const second = bytes[1]
    if (second === undefined || !(second & 0x80)) throw this.error(field, 'has an unnecessary leading zero')
    return bytes.subarray(1)
  }

  /** Everything that is left. The result shares memory with the message. */
  rest(): Buffer {
    if (this.#offset === this.#bytes.length) return none
    const bytes = this.#bytes.subarray(this.#offset)
    this.#offset = this.#bytes.length
    return bytes
  }

  /** Nothing may be left. */
  end(): void {
    if (this.remaining > 0) throw this.error('end', `is followed by ${this.remaining} unexpected bytes`)
  }

  error(field: string, problem: string): HoldfastError {
    return new HoldfastError('ERR_SSH_PROTOCOL', `${this.#message}: ${field} ${problem}`)
  }

  #length(field: string, maxLength: number): number {
    const length = this.uint32(field)
    if (length > maxLength) throw this.error(field, `has ${length} bytes, where at most ${maxLength} are allowed`)
    return length
  }

  #names(bytes: Buffer, field: string): readonly string[] {
    const list = bytes.toString('latin1')
    if (list === '') return []
    if (!/^[\x21-\x7e]*$/.test(list)) throw this.error(field, 'has characters outside printable US-ASCII')
    const names = list.split(',')
    if (names.length > maxNames)
      throw this.error(field, `lists ${names.length} names, where at most ${maxNames} are allowed`)
    if (names.includes('')) throw this.error(field, 'has an empty name')
    return names
  }

  #take(length: number, field: string): number {
    if (length > this.remaining) {
      throw this.error(field, `needs ${length} bytes, of which ${this.remaining} are there`)
    }
    const at = this.#offset
    this.#offset += length
    return at
  }
}
