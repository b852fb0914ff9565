import { putUint32 } from './uint32.js'

/** Writes the types of RFC 4251 section 5 into one growing buffer. */
export class Writer {
  #bytes: Buffer
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  byte(value: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0)
  }

  /** @throws RangeError for what is no such number: sent cut short, it would be another one */
  uint32(value: number): this {
    if (!(value >= 0 && value < 2 ** 32)) throw new RangeError(`${value} does not fit into 32 bits`)
    const at = this.#reserve(4)
    putUint32(this.#bytes, at, value)
    return this
  }

  uint64(value: bigint): this {
    const at = this.#reserve(8)
    this.#bytes.writeBigUInt64BE(value, at)
    return this
  }

  /** Bytes as they are, without a length. */
  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** A length-prefixed string: bytes, or text in UTF-8. */
  string(value: Uint8Array | string): this {
    if (typeof value !== 'string') return this.uint32(value.length).bytes(value)
    const length = Buffer.byteLength(value, 'utf8')
    this.uint32(length)
    const at = this.#reserve(length)
    this.#bytes.write(value, at, 'utf8')
    return this
  }

  nameList(names: readonly string[]): this {
    return this.string(names.join(','))
  }

  /** A non-negative multiple precision integer, from its magnitude in big-endian order. */
  mpint(magnitude: Uint8Array): this {
    let start = 0
    while (start < magnitude.length && magnitude[start] === 0) start++
    const digits = magnitude.subarray(start)
    const first = digits[0]
    if (first === undefined) return this.uint32(0)
    if (!(first & 0x80)) return this.string(digits)
    return this.uint32(digits.length + 1)
      .byte(0)
      .bytes(digits)
  }

  /** What was written. The result shares memory with the writer, which is not to be used again. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) this.#grow()
    return at
  }

  #grow(): void {
    const grown = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
