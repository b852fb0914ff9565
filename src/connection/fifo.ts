/** First in, first out, at a cost that does not grow with its length: `shift()` of a long array moves all that is left. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  /** Where the first item stands; those before it are gone. */
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    // What nothing waits behind is the usual case, and none is before it: see below.
    if (this.#items.length <= 1) return this.#items.pop()
    const item = this.first
    this.#items[this.#head] = undefined
    this.#head++
    // Moves no more items than have gone since it last did.
    if (this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let index = this.#head; index < this.#items.length; index++) {
      const item = this.#items[index]
      if (item !== undefined) yield item
    }
  }
}
