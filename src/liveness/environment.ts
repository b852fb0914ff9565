/** All that the core gets from outside, so that the same code runs on sockets and in a simulator with a seed. */
export interface Environment {
  /** Milliseconds on a monotonic clock. */
  now(): number
  /** Unpredictable bytes for cookies, padding and ephemeral keys. */
  randomBytes(size: number): Buffer
}
