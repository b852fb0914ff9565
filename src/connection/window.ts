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

/**
 * The window that we grant: what the peer may still send on one channel. Bytes are granted again once the consumer
 * took them, so a consumer that pauses stops its own channel and nothing else.
 */
export class ReceiveWindow {
  readonly #size: number
  #left: number
  #consumed = 0
  #grantedAt: number

  constructor(size: number, now: number) {
    this.#size = size
    this.#left = size
    this.#grantedAt = now
  }

  /** What the peer may still send. */
  get left(): number {
    return this.#left
  }

  /** @returns whether the peer was allowed to send that much */
  received(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  /**
   * The consumer took bytes. Returns how many to grant now, 0 if it is too early: at half the window, so that
   * adjusting costs little, sooner on a slow or long link, and whenever the peer may send nothing at all.
   */
  consumed(bytes: number, now: number): number {
    this.#consumed += bytes
    if (!this.#isDue(now)) return 0
    const grant = this.#consumed
    this.#consumed = 0
    this.#left += grant
    this.#grantedAt = now
    return grant
  }

  #isDue(now: number): boolean {
    if (this.#left === 0 || this.#consumed >= this.#size / 2) return true
    const sinceMs = now - this.#grantedAt
    return this.#isEnough(farGrant, sinceMs) || this.#isEnough(slowGrant, sinceMs)
  }

  #isEnough({ everyMs, bytes }: typeof slowGrant, sinceMs: number): boolean {
    return this.#consumed >= bytes && sinceMs >= everyMs
  }
}
