import { encodeChannelDataHead, encodeExtendedDataHead } from '../wire/connection-messages.js'
import { Fifo } from './fifo.js'
import type { Sending } from './sending.js'
import { maxWindow } from './window.js'

/** RFC 4253 section 6.1: the payload that every implementation takes, whatever more a peer says it would. */
const maxDataPacket = 32 * 1024

export interface Chunk {
  readonly data: Buffer
  /** RFC 4254 section 5.2; undefined for plain data. */
  readonly extendedType: number | undefined
  /** Called once its last byte was sent. */
  readonly sent: (() => void) | undefined
}

export interface OutgoingPort {
  /** The number that the channel has at the peer. */
  readonly remoteId: number
  /** The peer's windows say that it read this much more. */
  covered(bytes: number): void
  /** All that was pushed has been sent. */
  drained(): void
  /** Data began to wait for the peer to open its window, or does so no longer. */
  stalled(isStalled: boolean): void
}

/** Data that a program wrote to a channel, and the peer's window, which says how much of it may be sent. */
export class Outgoing {
  readonly #port: OutgoingPort
  readonly #maxPacket: number
  #window: number
  readonly #chunks = new Fifo<Chunk>()
  /** How much of the first chunk was sent. */
  #offset = 0
  #bytes = 0
  /** Sent, and not yet covered by the peer's adjustments. */
  #uncovered = 0
  #isStalled = false

  constructor(port: OutgoingPort, remote: { readonly window: number; readonly maxPacket: number }) {
    this.#port = port
    this.#window = remote.window
    this.#maxPacket = Math.min(remote.maxPacket, maxDataPacket)
  }

  /** What the peer lets us send at present. */
  get window(): number {
    return this.#window
  }

  /** Bytes pushed and not sent. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0
  }

  get canSend(): boolean {
    return this.#chunks.length > 0 && this.#window > 0
  }

  push(chunk: Chunk): void {
    if (chunk.data.length === 0) {
      chunk.sent?.()
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.data.length
    this.#noteStall()
  }

  /** @returns false when the window would grow beyond what RFC 4254 section 5.2 allows */
  adjust(bytes: number): boolean {
    if (this.#window + bytes > maxWindow) return false
    this.#window += bytes
    this.#noteStall()
    this.#cover(Math.min(bytes, this.#uncovered))
    return true
  }

  /** Sends up to one packet. */
  sendOne(sending: Pick<Sending, 'send'>, max: number): void {
    const chunk = this.#chunks.first
    if (chunk === undefined || this.#window === 0) return
    const size = Math.min(chunk.data.length - this.#offset, this.#window, this.#maxPacket, max)
    const data = size === chunk.data.length ? chunk.data : chunk.data.subarray(this.#offset, this.#offset + size)
    this.#window -= size
    this.#uncovered += size
    this.#bytes -= size
    this.#offset += size
    if (!sending.send(this.#head(chunk, size), data)) return
    if (this.#offset === chunk.data.length) this.#finishChunk(chunk)
    this.#noteStall()
    if (this.isEmpty) this.#port.drained()
  }

  /** What was not sent is thrown away. */
  drop(): void {
    if (this.isEmpty) return
    this.#chunks.clear()
    this.#offset = 0
    this.#bytes = 0
  }

  /** Nothing will be adjusted any more. */
  coverAll(): void {
    this.#cover(this.#uncovered)
  }

  #head({ extendedType }: Chunk, size: number): Buffer {
    const recipient = this.#port.remoteId
    if (extendedType === undefined) return encodeChannelDataHead(recipient, size)
    return encodeExtendedDataHead(recipient, extendedType, size)
  }

  #finishChunk(chunk: Chunk): void {
    this.#chunks.shift()
    this.#offset = 0
    chunk.sent?.()
  }

  #noteStall(): void {
    const isStalled = this.#chunks.length > 0 && this.#window === 0
    if (isStalled === this.#isStalled) return
    this.#isStalled = isStalled
    this.#port.stalled(isStalled)
  }

  #cover(bytes: number): void {
    if (bytes === 0) return
    this.#uncovered -= bytes
    this.#port.covered(bytes)
  }
}
