import { HoldfastError } from '../errors.js'
import type { Opener } from './cipher.js'
import { type Identification, IdentificationReader } from './identification.js'
import { wrongMac } from './mac.js'
import { maxPacketLength } from './packet-size.js'
import { plainOpener } from './plain.js'

const lengthBytes = 4
const minPadding = 4
const none = new Uint8Array()

export interface InboundSink {
  identified(identification: Identification): void
  /** One authenticated payload, never empty; it may be kept. `sequence` is the packet's number, for UNIMPLEMENTED. */
  packet(payload: Buffer, sequence: number): void
}

/**
 * The receiving direction: bytes in, payloads out. It owns the opener, the sequence number and the part of a packet
 * that has arrived so far.
 */
export class Inbound {
  readonly #sink: InboundSink
  #identification: IdentificationReader | undefined = new IdentificationReader()
  #opener: Opener = plainOpener
  #sequence = 0
  /** The length field of the packet that is arriving, once it is known. */
  #length: number | undefined
  /**
   * Where a packet is put together that arrives in parts: the same memory for one after another, for as long as each chunk
   * ends in the middle of one.
   */
  #carry: Uint8Array = none
  /** How much of such a packet is there. */
  #carried = 0
  /** Why the connection ends, once as much has come as a packet may have. */
  #doom: HoldfastError | undefined
  #stopped = false
  /** Since the keys were switched: what decides when to exchange keys again. */
  bytesUnderKeys = 0
  packetsUnderKeys = 0

  constructor(sink: InboundSink) {
    this.#sink = sink
  }

  /** How the peer introduced itself while it has not identified itself, for an error. */
  get heardInstead(): string | undefined {
    return this.#identification?.heard
  }

  get sequence(): number {
    return this.#sequence
  }

  /** Everything from the next packet on is under the new keys; the sink calls this while it handles NEWKEYS. */
  switchKeys(opener: Opener, options: { readonly resetSequence: boolean }): void {
    this.#opener = opener
    this.bytesUnderKeys = 0
    this.packetsUnderKeys = 0
    if (options.resetSequence) this.#sequence = 0
  }

  /** Whatever still arrives is for nobody. */
  stop(): void {
    this.#stopped = true
    this.#carry = none
    this.#carried = 0
    this.#identification = undefined
  }

  /** @param chunk is read at once: its memory may be used again after the call */
  receive(chunk: Buffer): void {
    if (this.#stopped) return
    if (this.#identification === undefined) this.#receivePackets(chunk)
    else this.#receiveIdentification(this.#identification, chunk)
  }

  #receiveIdentification(reader: IdentificationReader, chunk: Buffer): void {
    const found = reader.receive(chunk)
    if (found === undefined) return
    this.#identification = undefined
    this.#sink.identified(found.identification)
    this.#receivePackets(found.rest)
  }

  /**
   * All that each packet needs stands here: V8 compiles a function for itself, and once more into each that calls it. Views
   * are made by V8, since `subarray()` of Buffer is several functions deep.
   */
  #receivePackets(chunk: Buffer): void {
    const { buffer, byteOffset } = chunk
    let offset = 0
    while (offset < chunk.length && !this.#stopped) {
      const rest = new Uint8Array(buffer, byteOffset + offset, chunk.length - offset)
      const carried = this.#carried
      let packet: Uint8Array | undefined
      if (carried === 0) {
        const size = this.#sizeOf(rest)
        if (rest.length < size) {
          this.#makeRoom(size)
          this.#carryOver(rest, size)
          return
        }
        packet = new Uint8Array(buffer, byteOffset + offset, size)
      } else packet = this.#completePartial(rest)
      if (packet === undefined) return
      offset += packet.length - carried
      if (this.#doom !== undefined) throw this.#doom
      const sequence = this.#sequence
      let opened: Buffer
      try {
        opened = this.#opener.open(sequence, packet)
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error
        this.#length = this.#refuse(error, maxPacketLength - packet.length)
        continue
      }
      const padding = opened[0] ?? 0
      const end = opened.length - padding
      if (padding < minPadding || end <= 1) throw this.#paddingError(padding)
      this.#length = undefined
      this.#sequence = (sequence + 1) >>> 0
      this.bytesUnderKeys += packet.length
      this.packetsUnderKeys++
      this.#sink.packet(opened.subarray(1, end), sequence)
    }
    // An idle connection holds no memory for it.
    if (this.#carried === 0) this.#carry = none
  }

  /** How long the packet at the begin of `bytes` is with length field and tag, or its head while that has not arrived. */
  #sizeOf(bytes: Uint8Array): number {
    const opener = this.#opener
    if (this.#length === undefined) {
      if (bytes.length < opener.headBytes) return opener.headBytes
      const length = opener.length(this.#sequence, bytes)
      const padded = opener.lengthInPadding ? length + lengthBytes : length
      const isSound = length <= maxPacketLength && length >= 1 + minPadding && padded % opener.blockSize === 0
      this.#length = isSound ? length : this.#refuseLength(length)
    }
    return lengthBytes + this.#length + opener.tagBytes
  }

  #refuseLength(length: number): number {
    if (this.#opener.lengthField === 'clear')
      throw this.#error('length', `is ${length}, ${this.#lengthProblem(length)}`)
    return this.#refuse(wrongMac(this.#sequence), maxPacketLength)
  }

  #lengthProblem(length: number): string {
    if (length > maxPacketLength) return `where at most ${maxPacketLength} is allowed`
    if (length < 1 + minPadding) return 'too short for any packet'
    return `no multiple of the block size ${this.#opener.blockSize}`
  }

  /**
   * A packet whose MAC is wrong, or whose length is none, which nobody can tell before the MAC. With CBC its sender must
   * not see how long it seemed to be, so as many bytes are read as the longest packet has, as OpenSSH does.
   * @param length of what is still to come of it, without length field and tag
   * @returns the same, where the connection is not to end at once
   */
  #refuse(error: HoldfastError, length: number): number {
    if (this.#opener.lengthField !== 'chained' || length <= 0) throw error
    this.#doom = error
    return length
  }

  /** Takes what the partial packet lacks. @returns it once it is whole */
  #completePartial(bytes: Uint8Array): Uint8Array | undefined {
    const { headBytes } = this.#opener
    const taken = this.#carryOver(bytes, headBytes)
    if (this.#carried < headBytes) return undefined
    const size = this.#sizeOf(this.#carry)
    this.#makeRoom(size)
    this.#carryOver(bytes.subarray(taken), size)
    if (this.#carried < size) return undefined
    this.#carried = 0
    return this.#carry.subarray(0, size)
  }

  #makeRoom(size: number): void {
    if (this.#carry.length >= size) return
    const larger = new Uint8Array(size)
    larger.set(this.#carry.subarray(0, this.#carried))
    this.#carry = larger
  }

  /** Fills the partial packet up to `size` bytes. Returns how many it took. */
  #carryOver(bytes: Uint8Array, size: number): number {
    const wanted = Math.min(Math.max(0, size - this.#carried), bytes.length)
    this.#carry.set(bytes.subarray(0, wanted), this.#carried)
    this.#carried += wanted
    return wanted
  }

  #paddingError(padding: number): HoldfastError {
    const problem = padding < minPadding ? `where at least ${minPadding} is required` : 'which leaves no payload'
    return this.#error('padding length', `is ${padding}, ${problem}`)
  }

  #error(field: string, problem: string): HoldfastError {
    return new HoldfastError('ERR_SSH_PROTOCOL', `packet ${this.#sequence}: ${field} ${problem}`)
  }
}
