/** Something that is to happen at an instant, unless it is cancelled first. */
export interface Happening {
  readonly at: number
  cancel(): void
}

class Planned implements Happening {
  readonly at: number
  /** What falls on one instant happens in the order in which it was planned. */
  readonly order: number
  happen: (() => void) | undefined

  constructor(at: number, order: number, happen: () => void) {
    this.at = at
    this.order = order
    this.happen = happen
  }

  cancel(): void {
    this.happen = undefined
  }

  isBefore(other: Planned): boolean {
    return this.at < other.at || (this.at === other.at && this.order < other.order)
  }
}

/**
 * True time, which no machine in it knows, and everything that is going to happen. It shares no code with the deadlines
 * of the library, so that a fault there does not hide itself.
 */
export class World {
  readonly #heap: Planned[] = []
  #now = 0
  #planned = 0
  /** Steps taken so far. */
  steps = 0

  readonly now = (): number => this.#now

  after(milliseconds: number, happen: () => void): Happening {
    return this.at(this.#now + milliseconds, happen)
  }

  at(instant: number, happen: () => void): Happening {
    const planned = new Planned(Math.max(instant, this.#now), this.#planned++, happen)
    this.#push(planned)
    return planned
  }

  /** Lets things happen one after the other, each with all that it sets off, until `isOver` or nothing is left. */
  async run(isOver: () => boolean, afterStep: () => void): Promise<void> {
    for (await settle(); !isOver(); afterStep()) {
      const next = this.#pop()
      if (next === undefined) return
      if (next.happen === undefined) continue
      this.#now = next.at
      this.steps++
      next.happen()
      await settle()
    }
  }

  #push(planned: Planned): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(planned)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (above === undefined || above.isBefore(planned)) break
      heap[index] = above
      index = parent
    }
    heap[index] = planned
  }

  #pop(): Planned | undefined {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (last === undefined || last === first) return first
    let index = 0
    for (;;) {
      const child = this.#earlier(2 * index + 1, 2 * index + 2)
      const below = heap[child]
      if (below === undefined || last.isBefore(below)) break
      heap[index] = below
      index = child
    }
    heap[index] = last
    return first
  }

  #earlier(left: number, right: number): number {
    const [a, b] = [this.#heap[left], this.#heap[right]]
    return a !== undefined && b !== undefined && b.isBefore(a) ? right : left
  }
}

/**
 * Lets all promises settle that can. Within a microtask, as here, a callback of nextTick comes once no microtask is left,
 * however many they have set off: many times cheaper than a turn of the event loop.
 */
function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
