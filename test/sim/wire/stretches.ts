/** A stretch of time in which something did not happen, or held. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** The stretches between instants: those only that are longer than all before, which is what limits are judged by. */
export class Stretches {
  readonly #longest: Stretch[] = []
  #since: number | undefined

  /** One begins, unless one lasts already. */
  begin(now: number): void {
    this.#since ??= now
  }

  /** The one that lasts is over. */
  end(now: number): void {
    const from = this.#since
    this.#since = undefined
    if (from === undefined) return
    const last = this.#longest.at(-1)
    if (last === undefined || now - from > last.to - last.from) this.#longest.push({ from, to: now })
  }

  /** The longest of them that lasted before `until`, as far as it did. */
  longest(until: number): Stretch {
    const all = this.#since === undefined ? this.#longest : [...this.#longest, { from: this.#since, to: until }]
    let best: Stretch = { from: until, to: until }
    for (const { from, to } of all) {
      const cut = { from, to: Math.min(to, until) }
      if (cut.to - cut.from > best.to - best.from) best = cut
    }
    return best
  }
}
