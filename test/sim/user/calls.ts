import { HoldfastError } from 'holdfast'

export type CallKind =
  | 'ready'
  | 'open'
  | 'run'
  | 'request'
  | 'global-request'
  | 'rekey'
  | 'probe'
  | 'channel-close'
  | 'close'

/** A promise that the library handed out, and what became of it. */
export interface Call {
  readonly kind: CallKind
  readonly name: string
  readonly at: number
  /** By which it is to end, in milliseconds; null where the promise has none of its own. */
  readonly limitMs: number | null
  /** When the program aborts it, if it does. */
  readonly abortAt: number | undefined
  /** Which command it is about. */
  readonly command: number | undefined
  /** What a global request carries. */
  readonly question: string | undefined
  settled: Settled | undefined
}

export type Tracked = Omit<Call, 'at' | 'settled' | 'abortAt' | 'command' | 'question'> &
  Partial<Pick<Call, 'abortAt' | 'command' | 'question'>>

export interface Settled {
  readonly at: number
  /** Absent where it was fulfilled. */
  readonly error?: HoldfastError
}

/** All promises of one client. */
export class Calls {
  readonly all: Call[] = []
  /** The first thing that no invariant needs to look for: a rejection that is no error of the library. */
  complaint: string | undefined
  readonly #pending = new Set<Call>()
  /** Those that settled since the last step. */
  #settledNow: Call[] = []
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get pending(): Iterable<Call> {
    return this.#pending
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  get settledNow(): readonly Call[] {
    return this.#settledNow
  }

  /** A step is over, and everybody has looked. */
  stepEnded(): void {
    if (this.#settledNow.length > 0) this.#settledNow = []
  }

  /** Keeps watch over a promise; the returned one never rejects. */
  async track<T>(what: Tracked, promise: Promise<T>): Promise<T | undefined> {
    const call: Call = {
      abortAt: undefined,
      command: undefined,
      question: undefined,
      ...what,
      at: this.#now(),
      settled: undefined,
    }
    this.all.push(call)
    this.#pending.add(call)
    try {
      const value = await promise
      this.#settle(call, {})
      return value
    } catch (error) {
      if (error instanceof HoldfastError) this.#settle(call, { error })
      else {
        this.#settle(call, {})
        this.complaint ??= `${call.name} was rejected with ${String(error)}`
      }
      return undefined
    }
  }

  #settle(call: Call, outcome: Omit<Settled, 'at'>): void {
    call.settled = { at: this.#now(), ...outcome }
    this.#pending.delete(call)
    this.#settledNow.push(call)
  }
}
