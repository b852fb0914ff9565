import type { WindowGrowth } from './window.js'

/** Milliseconds: from here on the window may be what limits a fast link, and not the process that fills it. */
const farMs = 10

/** Of so many channels at once each window may grow to the full; those that grow later have what is left. */
const channelsAtOnce = 2

/** What the windows of one connection may grow by, and by what round trip that is judged. */
export class Growth implements WindowGrowth {
  readonly channelMax: number
  #left: number
  #leastMs = Number.POSITIVE_INFINITY

  /** @param channelMax bytes: what a window grows to, at most */
  constructor(channelMax: number) {
    this.channelMax = channelMax
    this.#left = channelsAtOnce * channelMax
  }

  /** Something was answered: what the peer takes for it, and what stands in its way, make it look farther away, never nearer. */
  answeredAfter(tookMs: number): void {
    this.#leastMs = Math.min(this.#leastMs, tookMs)
  }

  roundTripMs(): number | undefined {
    return this.#leastMs >= farMs && this.#leastMs !== Number.POSITIVE_INFINITY ? this.#leastMs : undefined
  }

  take(bytes: number): number {
    const taken = Math.min(bytes, this.#left)
    this.#left -= taken
    return taken
  }

  /** A channel is over, and what its window had grown by is free for others. */
  giveBack(bytes: number): void {
    this.#left += bytes
  }
}
