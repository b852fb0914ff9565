import { type Catcher, type CatcherOptions, labRow, simulator } from './catchers.js'
import type { Copies } from './copy.js'
import type { Mutant } from './mutant.js'

/** What became of one mutant. Only one that was caught is as it should be. */
export type Fate =
  | { readonly kind: 'caught'; readonly by: string }
  /** No catcher saw it. */
  | { readonly kind: 'survived' }
  /** It cannot be judged: its patch does not apply, its copy does not build, or a catcher could not be run. */
  | { readonly kind: 'failed'; readonly why: string }

export interface Tried {
  readonly mutant: Mutant
  readonly fate: Fate
}

/** Tries mutants against the catchers, each of which has passed on the copy without a patch before it is believed. */
export class Trial {
  readonly #copies: Copies
  readonly #options: CatcherOptions
  readonly #simulator: Catcher
  readonly #rows = new Map<number, Promise<Catcher>>()

  constructor(copies: Copies, options: CatcherOptions) {
    this.#copies = copies
    this.#options = options
    this.#simulator = simulator(options)
  }

  /** Builds the copy without a patch, and sees that the simulator passes on it. @throws Error when not */
  async prepare(): Promise<void> {
    await this.#copies.build(this.#copies.unpatched, this.#options.limitMs)
    await this.#passes(this.#simulator)
  }

  async of(mutant: Mutant): Promise<Fate> {
    try {
      const copy = await this.#copies.add(mutant.name)
      try {
        return await this.#judge(mutant, copy)
      } finally {
        await this.#copies.drop(copy)
      }
    } catch (error) {
      return { kind: 'failed', why: error instanceof Error ? error.message : String(error) }
    }
  }

  async #judge({ patch, rows }: Mutant, copy: string): Promise<Fate> {
    await this.#copies.apply(copy, patch)
    await this.#copies.build(copy, this.#options.limitMs)
    const seen = await this.#simulator.findFault(copy)
    if (seen !== undefined) return { kind: 'caught', by: `simulator, ${seen}` }
    for (const number of rows) {
      const row = await this.#row(number)
      const found = await row.findFault(copy)
      if (found !== undefined) return { kind: 'caught', by: `${row.name}: ${found}` }
    }
    return { kind: 'survived' }
  }

  /** A row of the lab takes seconds, so it is tried without a patch only once some mutant needs it. */
  #row(number: number): Promise<Catcher> {
    const known = this.#rows.get(number) ?? this.#passes(labRow(number, this.#options))
    this.#rows.set(number, known)
    return known
  }

  async #passes(catcher: Catcher): Promise<Catcher> {
    const found = await catcher.findFault(this.#copies.unpatched)
    if (found !== undefined) throw new Error(`the ${catcher.name} fails without any patch: ${found}`)
    return catcher
  }
}
