import { setImmediate as turn } from 'node:timers/promises'
import { HoldfastError } from 'holdfast'
import { Deadlines } from '#src/liveness/deadlines.js'

/** How a promise ended, and when. */
export type Outcome<T> =
  | { readonly status: 'fulfilled'; readonly value: T; readonly atMs: number }
  | { readonly status: 'rejected'; readonly reason: unknown; readonly atMs: number }
  | { readonly status: 'pending' }

/** A world with a clock of its own: nothing happens in it but what `run` lets happen, one instant after the other. */
export class SimulatedTime {
  #now = 0
  readonly #happenings = new Deadlines()
  readonly #clocks: Deadlines[] = [this.#happenings]

  readonly now = (): number => this.#now

  /** Deadlines of a connection that are to expire in this world. */
  watch(deadlines: Deadlines): void {
    this.#clocks.push(deadlines)
  }

  /** Does something later. What falls on one instant happens in no certain order. */
  after(milliseconds: number, happen: () => void): void {
    this.#happenings.add(this.#now + milliseconds, happen)
  }

  /** Lets the next milliseconds pass, and everything in them happen. */
  async run(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    await turn()
    for (let next = this.#next(); next !== undefined && next <= end; next = this.#next()) await this.#step(next)
    this.#now = end
  }

  /**
   * Runs until it is done, for at most `withinMs`.
   * @returns whether it was
   */
  async until(done: () => boolean, withinMs = 600_000): Promise<boolean> {
    const end = this.#now + withinMs
    for (await turn(); !done(); ) {
      const next = this.#next()
      if (next === undefined || next > end) {
        this.#now = end
        return false
      }
      await this.#step(next)
    }
    return true
  }

  /** Runs until the promise settles, for at most `withinMs`, and says how it did. */
  async outcome<T>(promise: Promise<T>, withinMs = 600_000): Promise<Outcome<T>> {
    const result: { outcome: Outcome<T> } = { outcome: { status: 'pending' } }
    const watch = async () => {
      try {
        const value = await promise
        result.outcome = { status: 'fulfilled', value, atMs: this.#now }
      } catch (reason) {
        result.outcome = { status: 'rejected', reason, atMs: this.#now }
      }
    }
    void watch()
    await this.until(() => result.outcome.status !== 'pending', withinMs)
    return result.outcome
  }

  /** Runs until the promise is fulfilled; fails the test if it is not within `withinMs`. */
  async value<T>(promise: Promise<T>, withinMs = 600_000): Promise<T> {
    const outcome = await this.outcome(promise, withinMs)
    if (outcome.status === 'fulfilled') return outcome.value
    const cause = outcome.status === 'rejected' ? outcome.reason : undefined
    throw new Error(`not fulfilled within ${withinMs} ms: ${String(cause)}`, { cause })
  }

  /** Runs until the promise is rejected, as it should be, and says with what, and how long from now that took. */
  async failure(
    promise: Promise<unknown>,
    withinMs = 600_000,
  ): Promise<{ readonly error: HoldfastError; readonly tookMs: number }> {
    const from = this.#now
    const outcome = await this.outcome(promise, withinMs)
    if (outcome.status !== 'rejected') throw new Error(`not rejected within ${withinMs} ms, but ${outcome.status}`)
    if (!(outcome.reason instanceof HoldfastError)) throw outcome.reason
    return { error: outcome.reason, tookMs: outcome.atMs - from }
  }

  #next(): number | undefined {
    const instants = this.#clocks.map((deadlines) => deadlines.next()).filter((at) => at !== undefined)
    return instants.length === 0 ? undefined : Math.min(...instants)
  }

  async #step(at: number): Promise<void> {
    this.#now = Math.max(this.#now, at)
    // First among them is what happens in this world, so what has arrived is read before a deadline is judged.
    for (const deadlines of this.#clocks) deadlines.expire(this.#now)
    await turn()
  }
}
