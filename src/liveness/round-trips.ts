/** Round trips that are kept, so that one without an outage or a pause of ours is among them. */
const kept = 8

/** What the latest answers took. */
export class RoundTrips {
  /** Of each: two lists of plain numbers are half of what a list of pairs is, which an idle connection keeps for ever. */
  #ms: number[] = []
  #at: number[] = []
  #leastLoginMs = Number.POSITIVE_INFINITY
  /**
   * The least of the latest: an outage or a full link makes one look long, and the first of all as well. So the quickest
   * answer of authentication is among them until there are enough others; 0 where none is known, as at first for a server.
   */
  leastMs = 0

  /** The last one; null where none is known. */
  get lastMs(): number | null {
    return this.#ms.at(-1) ?? null
  }

  loginAnswered(tookMs: number): void {
    this.#leastLoginMs = Math.min(this.#leastLoginMs, tookMs)
    this.#findLeast()
  }

  took(ms: number, at: number): void {
    this.#ms.push(ms)
    this.#at.push(at)
    if (this.#ms.length > kept) {
      this.#ms.shift()
      this.#at.shift()
    }
    this.#findLeast()
  }

  /** Those that ended since say nothing of the link. */
  forgetSince(instant: number): void {
    const isOlder = (_: number, index: number): boolean => (this.#at[index] ?? 0) < instant
    this.#ms = this.#ms.filter(isOlder)
    this.#at = this.#at.filter(isOlder)
    this.#findLeast()
  }

  /** Found when it changes: it is asked for at each wake. */
  #findLeast(): void {
    const loginMs = this.#ms.length < kept ? this.#leastLoginMs : Number.POSITIVE_INFINITY
    const least = Math.min(loginMs, ...this.#ms)
    this.leastMs = least === Number.POSITIVE_INFINITY ? 0 : least
  }
}
