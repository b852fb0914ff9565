/** Bytes on their way, at a place in the stream. The last one of a stream takes one place and has no bytes. */
export interface Segment {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
  readonly isLast: boolean
}

interface Write {
  bytes: Buffer
  readonly taken: () => void
}

const none = Buffer.alloc(0)

/** What a kernel holds for sending: what it has not sent, and what was sent and not acknowledged. */
export class SendBuffer {
  readonly #capacity: number
  readonly #writes: Write[] = []
  readonly #unsent: Buffer[] = []
  #unsentBytes = 0
  readonly #flight: Segment[] = []
  #flightBytes = 0
  #next = 0
  #finish: 'no' | 'due' | 'sent' = 'no'

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  write(bytes: Buffer, taken: () => void): void {
    this.#writes.push({ bytes, taken })
    this.#fill()
  }

  finish(): void {
    if (this.#finish === 'no') this.#finish = 'due'
  }

  /** Bytes that were written and for which there is no room. */
  get untaken(): number {
    let untaken = 0
    for (const { bytes } of this.#writes) untaken += bytes.length
    return untaken
  }

  get hasUnsent(): boolean {
    return this.#unsentBytes > 0
  }

  get hasFlight(): boolean {
    return this.#flight.length > 0
  }

  /** Whether there is nothing to send, and nothing that may have to be sent again. */
  get isIdle(): boolean {
    return !this.hasFlight && !this.hasUnsent
  }

  flight(): readonly Segment[] {
    return [...this.#flight]
  }

  /** What is to be sent again first; nothing but a question for the window where nothing is under way. */
  oldest(): Segment {
    return this.#flight[0] ?? { start: this.#next, end: this.#next, bytes: none, isLast: false }
  }

  /** The next new segment, as far as the window goes. */
  next(edge: number, max: number): Segment | undefined {
    const size = Math.min(max, this.#unsentBytes, edge - this.#next)
    if (size > 0) return this.#launch(this.#cut(size), false)
    if (this.#unsentBytes > 0 || this.#writes.length > 0 || this.#finish !== 'due') return undefined
    this.#finish = 'sent'
    return this.#launch(none, true)
  }

  /** Everything before this place has arrived. @returns whether that is news */
  acknowledged(position: number): boolean {
    let arrived = 0
    for (const { end, bytes } of this.#flight) {
      if (end > position) break
      arrived++
      this.#flightBytes -= bytes.length
    }
    this.#flight.splice(0, arrived)
    if (arrived > 0) this.#fill()
    return arrived > 0
  }

  #launch(bytes: Buffer, isLast: boolean): Segment {
    const start = this.#next
    this.#next += isLast ? 1 : bytes.length
    const segment = { start, end: this.#next, bytes, isLast }
    this.#flight.push(segment)
    this.#flightBytes += bytes.length
    return segment
  }

  #cut(size: number): Buffer {
    const pieces: Buffer[] = []
    for (let left = size; left > 0; ) {
      const [first] = this.#unsent
      if (first === undefined) throw new RangeError('there are fewer bytes than were counted')
      const piece = first.subarray(0, left)
      left -= piece.length
      pieces.push(piece)
      if (piece.length === first.length) this.#unsent.shift()
      else this.#unsent[0] = first.subarray(piece.length)
    }
    this.#unsentBytes -= size
    const [only] = pieces
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, size)
  }

  #fill(): void {
    for (let [write] = this.#writes; write !== undefined; [write] = this.#writes) {
      const room = this.#capacity - this.#unsentBytes - this.#flightBytes
      if (room <= 0) return
      const piece = write.bytes.subarray(0, room)
      this.#unsent.push(piece)
      this.#unsentBytes += piece.length
      write.bytes = write.bytes.subarray(piece.length)
      if (write.bytes.length > 0) return
      this.#writes.shift()
      write.taken()
    }
  }
}
