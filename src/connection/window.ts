/** RFC 4254 section 5.2: a window never grows beyond 2^32 - 1. */
export const maxWindow = 2 ** 32 - 1

/**
 * The window that we grant: what the peer may still send on one channel. Bytes are granted again once the consumer
 * took them, so a consumer that pauses stops its own channel and nothing else.
 */
export class ReceiveWindow {
  readonly #size: number
  #left: number
  #consumed = 0

  constructor(size: number) {
    this.#size = size
    this.#left = size
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
   * adjusting costs little, and whenever the peer may send nothing at all.
   */
  consumed(bytes: number): number {
    this.#consumed += bytes
    if (this.#consumed < this.#size / 2 && this.#left > 0) return 0
    const grant = this.#consumed
    this.#consumed = 0
    this.#left += grant
    return grant
  }
}
