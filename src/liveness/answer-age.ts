import type { WaitingProbe } from './probes.js'

/** Bytes a second from which on we take what comes in for a full link, behind whose bytes an answer may be waiting. */
const heavyFlow = 1_000
/** Bytes a second that a full link moves at least: a twelfth of the slowest that was measured, 48 kB/s. */
const slowestLink = 4_000

/**
 * The clock of the oldest unanswered probe while packets come in: a peer that we hear may not hear us any more.
 *
 * It stands at zero while the answer may still be on its way: the probe behind bytes of ours, or its answer behind bytes
 * of the peer that keep coming. Both are counted in bytes, and get the time that a slow link takes to move them; after
 * that the clock runs whatever comes. On a link that idles nothing is in the way, and it runs from the start.
 */
export class AnswerAge {
  #followed: WaitingProbe | undefined
  #intervals = 0
  #checkedAt = Number.NEGATIVE_INFINITY
  #bytesAt = 0
  /** By when what travels ahead of the probe has got through, and by when what comes before its answer has. */
  #aheadUntil = 0
  #behindUntil = 0

  /** For how many intervals the answer has been due. */
  get intervals(): number {
    return this.#intervals
  }

  /** When the clock wants to be looked at next. */
  due(interval: number): number {
    return this.#followed === undefined ? Number.POSITIVE_INFINITY : this.#checkedAt + interval
  }

  /** Turns to the probe that is now the oldest; starts again when it is another one. */
  follow(oldest: WaitingProbe | undefined, now: number, bytesHeard: number): void {
    if (oldest === this.#followed) return
    this.#followed = oldest
    this.restart(now, bytesHeard)
  }

  /** What came before says nothing, as after a key exchange, which holds up all answers. */
  restart(now: number, bytesHeard: number): void {
    this.#intervals = 0
    this.#checkedAt = now
    this.#bytesAt = bytesHeard
    if (this.#followed === undefined) return
    const { probe } = this.#followed
    this.#aheadUntil = now + (1000 * probe.ahead()) / slowestLink
    this.#behindUntil = this.#aheadUntil + (1000 * probe.behind()) / slowestLink
  }

  /**
   * Looks again, once an interval. Time in which we could not listen does not count, nor does an interval without a
   * packet: that is for the clock of silence. After an outage TCP takes about as long again until it repeats our bytes,
   * and meanwhile what the peer repeats comes in.
   */
  check(now: number, bytesHeard: number, listened: boolean): void {
    const elapsed = now - this.#checkedAt
    const bytes = bytesHeard - this.#bytesAt
    this.#checkedAt = now
    this.#bytesAt = bytesHeard
    if (listened && bytes > 0) {
      this.#intervals = this.#onItsWay(now, (1000 * bytes) / elapsed) ? 0 : this.#intervals + 1
    } else {
      this.#aheadUntil += elapsed
      this.#behindUntil += elapsed
    }
  }

  #onItsWay(now: number, flow: number): boolean {
    if (this.#followed === undefined) return false
    const { probe } = this.#followed
    if (now < this.#aheadUntil && probe.ahead() > 0) return true
    return now < this.#behindUntil && flow >= heavyFlow && probe.behind() > 0
  }
}

/**
 * The longest time, from the last sign that the peer hears us, until the verdict `one-way`: an interval until it is
 * asked again, the bound for its answer, and an interval for the grain of the clock; two, where some pass without a packet.
 * @param gapMs between the packets that come, where they are rarer than one an interval: all takes so much longer then. Where
 *   they come unevenly, two may fall into one interval, and it is the longest gap and one interval more
 * @param bytes in the way: ours not yet taken or covered, and the peer's still granted, if its flow is heavy
 */
export function oneWayBound({ interval, countMax }: OneWaySettings, gapMs = 0, bytes = 0): number {
  const stretched = Math.max(1, gapMs / interval)
  const grainMs = (stretched > 1 ? 3 : 2) * interval
  return stretched * ((countMax + 1) * interval + (1000 * bytes) / slowestLink) + grainMs
}

interface OneWaySettings {
  readonly interval: number
  readonly countMax: number
}
