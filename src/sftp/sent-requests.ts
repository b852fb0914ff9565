/** What was sent and has not been answered, by its id, in as many places as there may be at a time. */
export class SentRequests<Sent extends { id: number }> {
  /** Each id has the place that is the remainder of it. */
  readonly #places: (Sent | undefined)[]
  /** The first is 0. */
  #lastId = 2 ** 32 - 1
  #size = 0

  /** @param most a power of 2, so that ids go on evenly where they begin again */
  constructor(most: number) {
    this.#places = Array.from({ length: most }, () => undefined)
  }

  get size(): number {
    return this.#size
  }

  /** Gives it an id that no other has for as long as it is there. @throws RangeError when no place is left */
  add(sent: Sent): void {
    if (this.#size === this.#places.length) throw new RangeError('more requests are under way than there are places')
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#places[this.#placeOf(this.#lastId)] !== undefined)
    sent.id = this.#lastId
    this.#places[this.#placeOf(this.#lastId)] = sent
    this.#size++
  }

  /** Its reply has come. */
  take(id: number): Sent | undefined {
    const place = this.#placeOf(id)
    const sent = this.#places[place]
    if (sent?.id !== id) return undefined
    this.#places[place] = undefined
    this.#size--
    return sent
  }

  all(): readonly Sent[] {
    return this.#places.filter((sent) => sent !== undefined)
  }

  clear(): void {
    this.#places.fill(undefined)
    this.#size = 0
  }

  #placeOf(id: number): number {
    return id % this.#places.length
  }
}
