/** A place among `Members`, which alone change it. */
export interface Member<T> {
  readonly value: T
  isThere: boolean
  before: Member<T> | undefined
  behind: Member<T> | undefined
}

/**
 * Those that are there at present, in the order in which they came. A `Set` that many go through keeps what went long ago
 * from being collected soon: whenever it is laid out anew, its table of before points to the next one, and to whoever was in
 * it then. On Node 20 that was 17 KB for each small file of a transfer, copied until a full collection.
 */
export class Members<T> {
  #first: Member<T> | undefined
  #last: Member<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): Member<T> | undefined {
    return this.#first
  }

  add(value: T): Member<T> {
    const member: Member<T> = { value, isThere: true, before: this.#last, behind: undefined }
    if (this.#last === undefined) this.#first = member
    else this.#last.behind = member
    this.#last = member
    this.#size++
    return member
  }

  /** @param member one that `add` of these gave. @returns whether it was there */
  remove(member: Member<T>): boolean {
    if (!member.isThere) return false
    const { before, behind } = member
    if (before === undefined) this.#first = behind
    else before.behind = behind
    if (behind === undefined) this.#last = before
    else behind.before = before
    member.isThere = false
    // What is gone must keep nobody else.
    member.before = undefined
    member.behind = undefined
    this.#size--
    return true
  }

  /** All that are there now, whoever comes or goes while the caller looks at them. */
  all(): readonly Member<T>[] {
    const all: Member<T>[] = []
    for (let member = this.#first; member !== undefined; member = member.behind) all.push(member)
    return all
  }
}
