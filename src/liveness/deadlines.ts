/** An absolute instant at which something is to happen, unless it is cancelled first. */
export interface Deadline {
  readonly at: number
  cancel(): void
}

/** So many may stay in any case: an idle connection of thousands is not to keep those of its beginning for minutes. */
const cancelledMax = 8

/** One object a deadline: each wait of a connection has one, and an idle connection keeps some. */
class Entry implements Deadline {
  readonly at: number
  /** Undefined once it was called or cancelled. */
  expire: ((now: number) => void) | undefined
  queued = true
  readonly #cancelled: (entry: Entry) => void

  constructor(at: number, expire: (now: number) => void, cancelled: (entry: Entry) => void) {
    this.at = at
    this.expire = expire
    this.#cancelled = cancelled
  }

  cancel(): void {
    if (this.expire === undefined) return
    this.expire = undefined
    this.#cancelled(this)
  }
}

/**
 * All deadlines of one connection, earliest first. It has no timer: the owner asks for `next()` and calls `expire()`
 * once that instant has come. Instants are milliseconds on a monotonic clock.
 */
export class Deadlines {
  readonly #heap: Entry[] = []
  #cancelled = 0
  #changed: () => void = () => {}
  readonly #noteCancelled = (entry: Entry): void => this.#cancelledOne(entry)

  /** Calls `changed` whenever `next()` may have become earlier. */
  onChange(changed: () => void): void {
    this.#changed = changed
  }

  get size(): number {
    return this.#heap.length - this.#cancelled
  }

  add(at: number, expire: (now: number) => void): Deadline {
    // It would stand at the head of the heap for ever, since nothing compares with it, and nothing would expire again.
    if (Number.isNaN(at)) throw new RangeError('the instant of a deadline is not a number')
    const entry = new Entry(at, expire, this.#noteCancelled)
    this.#heap.push(entry)
    this.#rise(this.#heap.length - 1)
    if (this.#heap[0] === entry) this.#changed()
    return entry
  }

  /** The earliest instant at which `expire()` has something to do. */
  next(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].expire === undefined) this.#pop()
    return this.#heap[0]?.at
  }

  /**
   * Calls what is due at `now`, earliest first. Deadlines added meanwhile wait for the next call, so this always
   * ends; a callback that throws keeps none of the others from being called.
   */
  expire(now: number): void {
    const due: Entry[] = []
    for (let at = this.next(); at !== undefined && at <= now; at = this.next()) due.push(this.#pop())
    runAll(due.map((entry) => () => fire(entry, now)))
  }

  #cancelledOne({ queued }: Entry): void {
    // One that is due together with the one whose callback cancels it has left the heap already.
    if (!queued) return
    this.#cancelled++
    if (this.#cancelled > cancelledMax && this.#cancelled > this.#heap.length / 2) this.#compact()
  }

  #compact(): void {
    const live = this.#heap.filter((entry) => entry.expire !== undefined)
    live.sort((a, b) => a.at - b.at)
    this.#heap.splice(0, this.#heap.length, ...live)
    this.#cancelled = 0
  }

  #pop(): Entry {
    const [first] = this.#heap
    const last = this.#heap.pop()
    if (first === undefined || last === undefined) throw new RangeError('no deadline is left')
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#sink()
    }
    first.queued = false
    if (first.expire === undefined) this.#cancelled--
    return first
  }

  #rise(from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#at(parent) <= this.#at(index)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #sink(): void {
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const smaller = this.#at(left + 1) < this.#at(left) ? left + 1 : left
      if (this.#at(smaller) >= this.#at(index)) return
      this.#swap(index, smaller)
      index = smaller
    }
  }

  /** Beyond the end of the heap everything is later than everything. */
  #at(index: number): number {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const [atA, atB] = [this.#heap[a], this.#heap[b]]
    if (atA === undefined || atB === undefined) return
    this.#heap[a] = atB
    this.#heap[b] = atA
  }
}

function fire(entry: Entry, now: number): void {
  const { expire } = entry
  entry.expire = undefined
  expire?.(now)
}

/** Calls every task; a throw keeps no later one from running, and the first failure is thrown again at the end. */
export function runAll(tasks: readonly (() => void)[]): void {
  const failures: unknown[] = []
  for (const task of tasks) {
    try {
      task()
    } catch (failure) {
      failures.push(failure)
    }
  }
  if (failures.length > 0) throw failures[0]
}
