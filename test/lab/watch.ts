/** What a client did in the end. */
export interface Outcome {
  /**
   * `reported`: it said that the peer or the call failed. `kept`: it lived on, as it should. `ended`: it ended what it was
   * told to end. `killed-wrongly`: it gave up a peer that was there. `never`: it did nothing while it was watched.
   * `failed`: anything else that it should not have done.
   */
  readonly kind: 'reported' | 'kept' | 'ended' | 'killed-wrongly' | 'never' | 'failed'
  /** Milliseconds since the fault. @default the moment at which it is noted; none for `never` */
  readonly ms?: number
  /** What it said, or what was left undone, in a few words. */
  readonly text: string
}

export interface Noted {
  /** Milliseconds since the fault; negative before it. */
  readonly ms: number
  readonly text: string
}

/** One run of one row, as the page of failures shows it. */
export interface Sighting {
  /** What the fault was, in the row's words. */
  readonly fault: string
  readonly events: readonly Noted[]
  readonly outcome: Outcome & { readonly ms: number }
}

/** Writes down what happens in one run of one row, and when. */
export interface Watch {
  /** The zero of the clock: 'the peer vanishes'. Without it the run's begin is. */
  fault(what: string): void
  /** Something worth a mark on the time line: 'suspect', 'data arrives again'. `at` is of performance.now(). @default now */
  event(what: string, at?: number): void
  /** The end of the run; exactly one is noted. */
  outcome(outcome: Outcome): void
  /** Milliseconds from the fault to an instant of performance.now(). @default now */
  since(at?: number): number
}

export class RunWatch implements Watch {
  #zero = performance.now()
  #fault: string | undefined
  readonly #events: { readonly at: number; readonly text: string }[] = []
  #outcome: (Outcome & { readonly ms: number }) | undefined

  fault(what: string): void {
    if (this.#fault !== undefined) throw new Error(`a second fault: ${what}, after: ${this.#fault}`)
    this.#fault = what
    this.#zero = performance.now()
  }

  event(what: string, at = performance.now()): void {
    this.#events.push({ at, text: what })
  }

  outcome(outcome: Outcome): void {
    if (this.#outcome !== undefined) throw new Error(`a second outcome: ${outcome.text}, after: ${this.#outcome.text}`)
    this.#outcome = { ...outcome, ms: Math.round(outcome.ms ?? this.since()) }
  }

  since(at = performance.now()): number {
    return at - this.#zero
  }

  /** @throws where the run noted no outcome: a row without one says nothing */
  sighting(): Sighting {
    if (this.#outcome === undefined) throw new Error('the row noted no outcome: call watch.outcome() once')
    const events = this.#events.map(({ at, text }) => ({ ms: Math.round(this.since(at)), text }))
    return { fault: this.#fault ?? 'the begin', events, outcome: this.#outcome }
  }
}
