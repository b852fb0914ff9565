import type { Wait, Waits } from '../liveness/waits.js'

/** The calls of a program that wait for an answer. */
export class PendingCalls {
  #count = 0
  #answered: Wait<void> | undefined

  get areWaiting(): boolean {
    return this.#count > 0
  }

  /** Counts one until it settles. */
  async follow<T>(call: Promise<T>): Promise<T> {
    this.#count++
    try {
      return await call
    } finally {
      this.#count--
      if (this.#count === 0) this.#answered?.resolve()
    }
  }

  /** Resolves once none waits, or after so many milliseconds; never rejects. */
  async answered(waits: Waits, limitMs: number): Promise<void> {
    const what = 'answers that are on their way'
    this.#answered = waits.start({ limit: 'close', limitMs, clock: 'call', phase: 'close', what })
    await this.#answered.promise.catch(() => {})
  }
}
