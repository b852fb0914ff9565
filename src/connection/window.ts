/** RFC 4254 section 5.2: a window never grows beyond 2^32 - 1. */
export const maxWindow = 2 ** 32 - 1

/**
 * On a slow link half a window is minutes: each grant shows the peer that we live, and tells it how far its bytes got.
 * No more often than this, and for no less than a packet, so that a fast link and small talk cost nothing.
 */
const slowGrant = { everyMs: 1000, bytes: 32 * 1024 }

/**
 * Half a window that waits here to be granted is half a window that a far peer may not send: it would get no more than
 * half of what the window allows. A near one fills half of it in less time than this.
 */
const farGrant = { everyMs: 5, bytes: 128 * 1024 }

/** A window of which more than this is used in a round trip is what limits the link. */
const limitingShare = 3 / 4
/** What a window has for what is used in a round trip: room for more, and much where nobody knows how much the link moves. */
const spareFactor = 2
const limitedFactor = 4

/** Who says whether a window may grow, and by how much. */
export interface WindowGrowth {
  /** Bytes that a window may have. */
  readonly channelMax: number
  /** The shortest round trip that was measured, in milliseconds; undefined where the peer is near, or nothing is known. */
  roundTripMs(): number | undefined
  /** @returns how much of that it may grow by */
  take(bytes: number): number
  giveBack(bytes: number): void
}

/**
 * The window that we grant: what the peer may still send on one channel. Bytes are granted again once the consumer
 * took them, so a consumer that pauses stops its own channel and nothing else.
 */
export class ReceiveWindow {
  readonly #growth: WindowGrowth
  readonly #firstSize: number
  #size: number
  #left: number
  #consumed = 0
  #grantedAt: number
  /** What it has grown by and was not granted yet. */
  #ungranted = 0
  #isClosed = false
  /** Since when, and how much since then: see `#growIfUsed`. */
  #useSince: number
  #useReceived = 0
  #useConsumed = 0

  constructor(size: number, now: number, growth: WindowGrowth) {
    this.#growth = growth
    this.#firstSize = size
    this.#size = size
    this.#left = size
    this.#grantedAt = now
    this.#useSince = now
  }

  /** What it has grown by since the channel was opened. */
  get grownBytes(): number {
    return this.#size - this.#firstSize
  }

  /** What the peer may still send. */
  get left(): number {
    return this.#left
  }

  /** Nothing comes any more, and what it has grown by is free for others; a consumer may still take what came. */
  close(): void {
    this.#isClosed = true
    this.#growth.giveBack(this.grownBytes)
  }

  /** @returns whether the peer was allowed to send that much */
  received(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    this.#useReceived += bytes
    return true
  }

  /**
   * The consumer took bytes. Returns how many to grant now, 0 if it is too early: at half the window, so that
   * adjusting costs little, sooner on a slow or long link, and whenever the peer may send nothing at all.
   */
  consumed(bytes: number, now: number): number {
    this.#consumed += bytes
    this.#useConsumed += bytes
    this.#growIfUsed(now)
    if (!this.#isDue(now)) return 0
    const grant = this.#consumed + this.#ungranted
    this.#consumed = 0
    this.#ungranted = 0
    this.#left += grant
    this.#grantedAt = now
    return grant
  }

  /**
   * As kernels size their receive buffers: what came and was taken within a round trip is what the link moves in one, or as
   * much of it as the window lets through. What only waited here, until a consumer took it at once, says nothing of the
   * link: so both count.
   */
  #growIfUsed(now: number): void {
    const roundTripMs = this.#growth.roundTripMs()
    if (roundTripMs === undefined || this.#isClosed) return
    const elapsedMs = now - this.#useSince
    if (elapsedMs < roundTripMs) return
    const used = (Math.min(this.#useReceived, this.#useConsumed) * roundTripMs) / elapsedMs
    this.#useSince = now
    this.#useReceived = 0
    this.#useConsumed = 0
    const factor = used > limitingShare * this.#size ? limitedFactor : spareFactor
    const wanted = Math.min(Math.ceil(factor * used), this.#growth.channelMax)
    if (wanted <= this.#size) return
    const grown = this.#growth.take(wanted - this.#size)
    this.#size += grown
    this.#ungranted += grown
  }

  #isDue(now: number): boolean {
    if (this.#left === 0 || this.#ungranted > 0 || this.#consumed >= this.#size / 2) return true
    const sinceMs = now - this.#grantedAt
    if (this.#consumed >= farGrant.bytes && sinceMs >= farGrant.everyMs) return true
    return this.#consumed >= slowGrant.bytes && sinceMs >= slowGrant.everyMs
  }
}
