import type { Channel } from './channel.js'

/** The channels of a connection, by our number; an idle one has none. */
export class Channels {
  #all: Map<number, Channel> | undefined
  readonly #gone = new Set<(channel: Channel) => void>()

  get all(): Iterable<Channel> {
    return this.#all?.values() ?? []
  }

  /** Whether the peer has closed every channel there was: it has read all that was sent on them. */
  get isEmpty(): boolean {
    return (this.#all?.size ?? 0) === 0
  }

  /** Data that programs have written and that was not sent. */
  get queuedBytes(): number {
    let queued = 0
    for (const channel of this.all) queued += channel.unsentBytes
    return queued
  }

  /** What the peer may still send on all channels together; and how much of that it may because windows have grown. */
  get granted(): { readonly bytes: number; readonly grown: number } {
    let bytes = 0
    let grown = 0
    for (const channel of this.all) {
      bytes += channel.receiveWindow
      grown += Math.min(channel.grownBytes, channel.receiveWindow)
    }
    return { bytes, grown }
  }

  get(id: number): Channel | undefined {
    return this.#all?.get(id)
  }

  add(channel: Channel): void {
    this.#all ??= new Map()
    this.#all.set(channel.localId, channel)
  }

  remove(channel: Channel): void {
    this.#all?.delete(channel.localId)
  }

  /** Nothing for it can come any more. */
  tellGone(channel: Channel): void {
    for (const gone of [...this.#gone]) gone(channel)
  }

  /** Calls back with each channel that is gone for good, so that a refused one may be tried again. Returns the way out. */
  onGone(gone: (channel: Channel) => void): () => void {
    this.#gone.add(gone)
    return () => this.#gone.delete(gone)
  }
}
