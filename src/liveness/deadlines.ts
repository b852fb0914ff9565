/** An absolute instant at which something is to happen, unless it is cancelled first. */
export interface Deadline {
  readonly at: number
  cancel(): void
  /** Puts it off or brings it nearer; one that has expired, or was cancelled, holds again. */
  move(at: number): void
}

/** Where an entry stands that has no place in the heap: nowhere, or among those that are called now. */
const nowhere = -1
const due = -2

/** One object a deadline: each wait of a connection has one, and an idle connection keeps some. */
class Entry implements Deadline {
  at: number
  place = nowhere
  readonly expire: (now: number) => void
  readonly #all: Deadlines

  constructor(at: number, expire: (now: number) => void, all: Deadlines) {
    this.at = at
    this.expire = expire
    this.#all = all
  }

  cancel(): void {
    this.#all.cancel(this)
  }

  move(at: number): void {
    this.#all.move(this, at)
  }
}

/**
 * All deadlines of one connection, earliest first. It has no timer: the owner asks for `next()` and calls `expire()`
 * once that instant has come. Instants are milliseconds on a monotonic clock.
 */
export class Deadlines {
  readonly #heap: Entry[] = []
  #changed: () => void = () => {}

  /** Calls `changed` whenever `next()` has become earlier, and when it was put off by `move()`. */
  onChange(changed: () => void): void {
    this.#changed = changed
  }

  get size(): number {
    return this.#heap.length
  }

  add(at: number, expire: (now: number) => void): Deadline {
    const entry = new Entry(check(at), expire, this)
    this.#insert(entry)
    if (entry.place === 0) this.#changed()
    return entry
  }

  /** @param entry one that `add()` of these gave */
  move(entry: Entry, at: number): void {
    const checked = check(at)
    const before = this.next()
    this.cancel(entry)
    entry.at = checked
    this.#insert(entry)
    if (this.next() !== before) this.#changed()
  }

  /** @param entry one that `add()` of these gave */
  cancel(entry: Entry): void {
    const { place } = entry
    entry.place = nowhere
    if (place < 0) return
    const last = this.#heap.pop()
    if (last === undefined || last === entry) return
    this.#put(last, place)
    this.#rise(place)
    this.#sink(last.place)
  }

  /** The earliest instant at which `expire()` has something to do. */
  next(): number | undefined {
    return this.#heap[0]?.at
  }

  /**
   * Calls what is due at `now`, earliest first. Deadlines added meanwhile wait for the next call, so this always
   * ends; a callback that throws keeps none of the others from being called.
   */
  expire(now: number): void {
    const called: Entry[] = []
    for (let [first] = this.#heap; first !== undefined && first.at <= now; [first] = this.#heap) {
      this.cancel(first)
      first.place = due
      called.push(first)
    }
    runAll(called.map((entry) => () => fire(entry, now)))
  }

  #insert(entry: Entry): void {
    const place = this.#heap.length
    this.#heap.push(entry)
    entry.place = place
    this.#rise(place)
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

  #sink(from: number): void {
    let index = from
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
    this.#put(atB, a)
    this.#put(atA, b)
  }

  #put(entry: Entry, place: number): void {
    this.#heap[place] = entry
    entry.place = place
  }
}

/** What is not a number would stand at the head of the heap for ever, since nothing compares with it. */
function check(at: number): number {
  if (Number.isNaN(at)) throw new RangeError('the instant of a deadline is not a number')
  return at
}

/** One that was cancelled or moved by a callback before it is not called. */
function fire(entry: Entry, now: number): void {
  if (entry.place !== due) return
  entry.place = nowhere
  entry.expire(now)
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
