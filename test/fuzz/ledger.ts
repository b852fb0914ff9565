import { HoldfastError } from 'holdfast'
import type { SimulatedTime } from '../support/core/simulated-time.js'

interface Promised {
  readonly what: string
  readonly from: number
  readonly boundMs: number
  settled: boolean
}

/** Everything that was promised in one session, and everything that went wrong with it. */
export class Ledger {
  readonly problems: string[] = []
  readonly #time: SimulatedTime
  readonly #promised: Promised[] = []
  /** Time in which the program is told that it could not listen: what waits for the peer may take as much longer. */
  #lostMs = 0
  /** How many promises were kept, and how many of them by a value. */
  settled = 0
  fulfilled = 0

  constructor(time: SimulatedTime) {
    this.#time = time
  }

  problem(what: string): void {
    this.problems.push(`at ${this.#time.now()} ms: ${what}`)
  }

  lost(milliseconds: number): void {
    this.#lostMs += milliseconds
  }

  /** It must settle within the bound, and be rejected with nothing but an error of ours. */
  track<T>(what: string, boundMs: number, promise: Promise<T>): Promise<T> {
    const promised = { what, from: this.#time.now(), boundMs, settled: false }
    this.#promised.push(promised)
    void this.#watch(promised, promise)
    return promise
  }

  /** Calls something that must not throw. */
  guard(what: string, call: () => void): void {
    try {
      call()
    } catch (error) {
      this.problem(`${what} threw ${describe(error)}`)
    }
  }

  /** What a person is to read of a peer’s words is short, and nothing in it acts on a terminal. */
  checkText({ message, hint }: HoldfastError): void {
    for (const text of [message, hint]) {
      if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text)) this.problem(`a text is not clean: ${JSON.stringify(text)}`)
      if (text.length > 3000) this.problem(`a text has ${text.length} characters`)
    }
  }

  /** Nothing may be left over. */
  finish(): void {
    for (const { what, settled, from } of this.#promised)
      if (!settled) this.problem(`${what}, promised at ${from} ms, never settled`)
  }

  async #watch(promised: Promised, promise: Promise<unknown>): Promise<void> {
    try {
      await promise
      this.fulfilled++
    } catch (error) {
      if (!(error instanceof HoldfastError)) this.problem(`${promised.what} was rejected with ${describe(error)}`)
      else if (error.code === 'ERR_SSH_INTERNAL') this.problem(`${promised.what}: ${describe(error.cause)}`)
      else this.checkText(error)
    }
    promised.settled = true
    this.settled++
    const tookMs = this.#time.now() - promised.from
    if (tookMs > promised.boundMs + this.#lostMs)
      this.problem(`${promised.what} took ${tookMs} ms, more than ${promised.boundMs}`)
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
