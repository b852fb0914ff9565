/** All that the core gets from outside, so that the same code runs on sockets and in a simulator with a seed. */
export interface Environment {
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number
  /**
   * Unpredictable bytes for cookies, padding and ephemeral keys, used by nobody else. Asked for the padding of every
   * packet: serve it from a pool, since drawing a few bytes costs more than half of sealing a small packet.
   */
  randomBytes(size: number): Uint8Array
}
