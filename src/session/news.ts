import type { Wait, Waits } from '../liveness/waits.js'

/** Lets whoever ends a command wait until something holds, which is looked at anew whenever there are news of it. */
export class News {
  readonly #waits: Waits
  readonly #now: () => number
  readonly #waiting = new Set<Wait<void>>()

  constructor(waits: Waits, now: () => number) {
    this.#waits = waits
    this.#now = now
  }

  came(): void {
    for (const wait of this.#waiting) wait.resolve()
  }

  /** @returns false when it does not hold by the end of the time, or of the connection */
  async until(holds: () => boolean, limitMs: number): Promise<boolean> {
    const endAt = this.#now() + limitMs
    while (!holds()) {
      const leftMs = endAt - this.#now()
      if (leftMs <= 0 || !(await this.#next(leftMs))) return holds()
    }
    return true
  }

  /** @returns false when the time is over first */
  async #next(limitMs: number): Promise<boolean> {
    const wait = this.#waits.start<void>({
      limit: 'channelClose',
      limitMs,
      clock: 'call',
      phase: 'command',
      what: 'the end of the command',
    })
    this.#waiting.add(wait)
    try {
      await wait.promise
      return true
    } catch {
      return false
    } finally {
      this.#waiting.delete(wait)
    }
  }
}
