import { monitorEventLoopDelay } from 'node:perf_hooks'
import { intervalMs } from './scale.js'

/** What Holdfast still takes for a wake in time. */
const punctualMs = intervalMs / 4

/** Watches whether the machine lets this process run. */
export class Absence {
  readonly #delay = monitorEventLoopDelay({ resolution: 20 })

  constructor() {
    this.#delay.enable()
  }

  /** @returns the longest stretch in milliseconds in which it did not; 0 where that was nothing to speak of */
  stop(): number {
    this.#delay.disable()
    const longestMs = this.#delay.max / 1e6
    return longestMs > punctualMs ? longestMs : 0
  }
}
