import type { Channel, ChannelSink } from '#src/connection/channel.js'
import type { Random } from '../support/core/random.js'
import type { Ledger } from './ledger.js'

/** The byte at a place in the data of every channel, so that whoever reads knows what must come. */
export function dataAt(offset: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let index = 0; index < size; index++) bytes[index] = ((offset + index) * 31 + ((offset + index) >> 8)) & 0xff
  return bytes
}

/** Hears a channel, and notes whatever it must not hear: data out of order, anything after the end. */
export class CheckedSink implements ChannelSink {
  readonly #channel: Channel
  readonly #ledger: Ledger
  readonly #random: Random
  received = 0
  /** Whether what came is what was written; only where nobody tampers. */
  intact = true
  #ended: 'closed' | 'lost' | undefined
  /** Called for each piece of data, and at EOF with undefined. */
  onData: (bytes: Buffer | undefined) => void = () => {}

  constructor(channel: Channel, ledger: Ledger, random: Random) {
    this.#channel = channel
    this.#ledger = ledger
    this.#random = random
  }

  get isOver(): boolean {
    return this.#ended !== undefined
  }

  data(bytes: Buffer): void {
    this.#hears('data')
    this.intact &&= bytes.equals(dataAt(this.received, bytes.length))
    this.received += bytes.length
    this.#consume(bytes.length)
    this.onData(bytes)
  }

  extendedData(_type: number, bytes: Buffer): void {
    this.#hears('extended data')
    this.#consume(bytes.length)
  }

  eof(): void {
    this.#hears('EOF')
    this.onData(undefined)
  }

  request(type: string): boolean {
    this.#hears(`the request ${type}`)
    return !this.#random.once(3)
  }

  adjusted(): void {
    this.#hears('an adjustment')
  }

  pendingBytes(): number {
    return 0
  }

  closed(): void {
    this.#end('closed')
  }

  lost(): void {
    this.#end('lost')
  }

  #consume(bytes: number): void {
    this.#channel.consumed(bytes)
  }

  #end(how: 'closed' | 'lost'): void {
    this.#hears(how)
    this.#ended = how
  }

  #hears(what: string): void {
    if (this.#ended !== undefined) this.#ledger.problem(`a channel heard ${what} after it was ${this.#ended}`)
  }
}
