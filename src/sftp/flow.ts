/** Bytes that a transfer may have under way wherever the server is: what fills a channel's window as it is opened. */
export const leastUnderWay = 2 * 1024 * 1024

/** And at most, where it is far: what waits here in memory, and is lost where the connection is. 100 ms at 160 MB/s. */
export const mostUnderWay = 16 * 1024 * 1024

/** As many requests again are to be on their way as are answered in a round trip, or a link that takes more would not show it. */
const growth = 2

/** Where less of it was used than this, it was not what held anybody up, and what came says nothing of the link. */
const usedShare = 3 / 4

/** Of what it was, at least, a round trip later: answers come in bursts, and what is late once is not slow. */
const kept = 0.9

/** At 5 ms the least is 400 MB/s; and nearer by, bursts look like a link that takes more. */
const nearMs = 5

/**
 * How much all readers of one session may have asked for at a time: twice what comes in a round trip, which grows for as
 * long as the link takes more. Near by that is less than `leastUnderWay`, and costs nothing.
 */
export class Flow {
  readonly #lastLeft: () => void
  /** The shortest that was seen: the others have waited behind what was asked for before. */
  #roundTripMs = Number.POSITIVE_INFINITY
  #mostBytes = leastUnderWay
  #readers = 0
  #roundFrom = 0
  #roundBytes = 0
  /** How much was under way at a time in this round, at most. */
  #roundPeak = 0

  /** @param lastLeft called when nobody reads any more */
  constructor(lastLeft: () => void = () => {}) {
    this.#lastLeft = lastLeft
  }

  /** Whether somebody is about to read on, though nothing may be asked for at present. */
  get isRead(): boolean {
    return this.#readers > 0
  }

  /** For all readers together. */
  get mostBytes(): number {
    return this.#mostBytes
  }

  /** For each of them: one that nobody reads from must not keep more in memory because another one is fast. */
  get readerBytes(): number {
    return Math.max(leastUnderWay, this.#mostBytes / Math.max(1, this.#readers))
  }

  /**
   * What one more of them may ask for at first: less, the more there are, so that 32 small files find room at the same time.
   * Where each asked for 255 KiB, half of them waited for the others, which took a sixth of the processor time.
   */
  get firstBytes(): number {
    return Math.floor(this.#mostBytes / (2 * (this.#readers + 1)))
  }

  join(): void {
    this.#readers++
  }

  leave(): void {
    this.#readers--
    if (this.#readers === 0) this.#lastLeft()
  }

  /** A request was answered, whose round trip tells how far the server is. @param sentAt when it had left, in milliseconds */
  answered(sentAt: number, now: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, now - sentAt)
    // Where nothing was under way, the time before says nothing of the link.
    if (this.#roundBytes === 0) this.#roundFrom = Math.max(this.#roundFrom, sentAt)
  }

  /** @param bytes that a request moved @param underWay what had been asked for until then, these bytes among it */
  moved(bytes: number, underWay: number, now: number): void {
    if (this.#roundTripMs < nearMs) return
    this.#roundBytes += bytes
    this.#roundPeak = Math.max(this.#roundPeak, underWay)
    const elapsedMs = now - this.#roundFrom
    if (elapsedMs < this.#roundTripMs) return
    this.#resize(growth * this.#roundBytes * (this.#roundTripMs / elapsedMs))
    this.#roundFrom = now
    this.#roundBytes = 0
    this.#roundPeak = 0
  }

  #resize(wanted: number): void {
    if (wanted < this.#mostBytes && this.#roundPeak < usedShare * this.#mostBytes) return
    const bytes = Math.max(wanted, kept * this.#mostBytes, leastUnderWay)
    this.#mostBytes = Math.min(mostUnderWay, bytes)
  }
}
