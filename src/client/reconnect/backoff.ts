import type { ReconnectSettings } from './options.js'

/** How far a drawn number goes up, exclusively. */
const range = 2 ** 48

/**
 * How long to wait before each attempt: anything from `minDelay` up to a ceiling that doubles with each attempt, so that
 * clients which lost a server together do not come back together.
 */
export class Backoff {
  readonly #settings: ReconnectSettings
  readonly #randomBytes: (size: number) => Uint8Array
  #ceilingMs: number

  constructor(settings: ReconnectSettings, randomBytes: (size: number) => Uint8Array) {
    this.#settings = settings
    this.#randomBytes = randomBytes
    this.#ceilingMs = settings.minDelay
  }

  /** The longest that the last delay could have been. */
  get ceilingMs(): number {
    return this.#ceilingMs
  }

  /** @param leftMs what is left for all attempts together */
  next(leftMs: number): number {
    const { minDelay, maxDelay } = this.#settings
    this.#ceilingMs = Math.min(2 * this.#ceilingMs, maxDelay)
    const share = Buffer.from(this.#randomBytes(6)).readUIntBE(0, 6) / range
    return minDelay + share * Math.max(0, Math.min(this.#ceilingMs, leftMs) - minDelay)
  }

  /** From now on the ceiling is the longest. */
  slowDown(): void {
    this.#ceilingMs = this.#settings.maxDelay
  }

  /** The next delay is the first again. */
  reset(): void {
    this.#ceilingMs = this.#settings.minDelay
  }
}
