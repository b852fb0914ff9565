import type { WaitingProbe } from './probes.js'

/** Bytes a second from which on we take what comes in for a full link, behind whose bytes an answer may be waiting. */
const heavyFlow = 1_000
/** Bytes a second that a full link moves at least: a twelfth of the slowest that was measured, 48 kB/s. */
const slowestLink = 4_000

/** How often an interval is looked at while something is due any moment. */
export const looksAnInterval = 4

/**
 * The clock of the oldest unanswered probe while packets come in: a peer that we hear may not hear us any more.
 *
 * It stands at zero while the answer may still be on its way: the probe behind bytes of ours, or its answer behind bytes
 * of the peer that keep coming. Both are counted in bytes, and get the time that a slow link takes to move them; after
 * that the clock runs whatever comes. On a link that idles nothing is in the way, and it runs from the start.
 */
export class AnswerAge {
  /** For how many intervals the answer has been due. */
  intervals = 0
  /** Bytes of packets that have come in all. */
  bytesHeard = 0
  #followed: WaitingProbe | undefined
  /** What is counted while the answer may be on its way. */
  #least = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY
  #bytesAt = 0
  /** By when what travels ahead of the probe has got through, and by when what comes before its answer has. */
  #aheadUntil = 0
  #behindUntil = 0

  /** When the clock wants to be looked at next: after an interval without a packet often, so that the next is counted soon. */
  due(interval: number): number {
    if (this.#followed === undefined) return Number.POSITIVE_INFINITY
    return Math.max(this.#countedAt + interval, this.#lookedAt + interval / looksAnInterval)
  }

  /** Turns to another probe, and starts again; but a key exchange, the last question, goes on with the count so far. */
  follow(probe: WaitingProbe | undefined, now: number): void {
    if (probe === this.#followed) return
    if (this.#followed === undefined || probe?.probe.kind !== 'key-exchange') return this.begin(probe, now)
    this.#followed = probe
    this.#least = this.intervals
    this.#measureWay(now)
  }

  /** An answer came: whichever probe is the oldest now is waited for from now on. */
  begin(probe: WaitingProbe | undefined, now: number): void {
    this.#followed = probe
    this.restart(now)
  }

  /** What came before says nothing, as after a key exchange, which holds up all answers. */
  restart(now: number): void {
    this.intervals = 0
    this.#least = 0
    this.#countFrom(now)
    this.#measureWay(now)
  }

  /**
   * Looks again, when it is due. An interval counts once a packet has come in it or after it: silence is for another
   * clock, and after an outage TCP takes about as long again until it repeats our bytes, while what the peer repeats comes
   * in. Packets that come unevenly are counted from the last of them, so none of the time between them is lost.
   * @param heardAt when the last packet came
   */
  check(now: number, interval: number, heardAt: number): void {
    const bytes = this.bytesHeard - this.#bytesAt
    this.#lookedAt = now
    if (bytes === 0) return
    const until = Math.max(this.#countedAt + interval, heardAt)
    this.#standStill(until - this.#countedAt - interval)
    this.intervals = this.#onItsWay(until, (1000 * bytes) / interval) ? this.#least : this.intervals + 1
    this.#countFrom(until)
  }

  /** Time in which we could not listen does not count: the interval begins now. */
  absent(now: number): void {
    this.#standStill(now - this.#countedAt)
    this.#countFrom(now)
  }

  #countFrom(at: number): void {
    this.#countedAt = at
    this.#lookedAt = at
    this.#bytesAt = this.bytesHeard
  }

  #standStill(milliseconds: number): void {
    this.#aheadUntil += milliseconds
    this.#behindUntil += milliseconds
  }

  #measureWay(now: number): void {
    if (this.#followed === undefined) return
    const { probe } = this.#followed
    this.#aheadUntil = now + (1000 * probe.ahead()) / slowestLink
    this.#behindUntil = this.#aheadUntil + (1000 * probe.behind()) / slowestLink
  }

  #onItsWay(at: number, flow: number): boolean {
    if (this.#followed === undefined) return false
    const { probe } = this.#followed
    if (at < this.#aheadUntil && probe.ahead() > 0) return true
    return at < this.#behindUntil && flow >= heavyFlow && probe.behind() > 0
  }
}

/**
 * The longest time, from the last sign that the peer hears us, until the verdict `one-way`: an interval until it is
 * asked again, the bound for its answer, and an interval for the grain of the clock; two, where some pass without a packet.
 * @param gapMs the longest between the packets that come, where they are rarer than one an interval: all takes so much longer then
 * @param bytes in the way: ours not yet taken or covered, and the peer's still granted, if its flow is heavy. They may be so
 *   of the last question once more
 */
export function oneWayBound({ interval, countMax }: OneWaySettings, gapMs = 0, bytes = 0): number {
  const stretched = Math.max(1, gapMs / interval)
  const grainMs = (stretched > 1 ? 3 : 2) * interval
  return stretched * ((countMax + 1) * interval + (2 * 1000 * bytes) / slowestLink) + grainMs
}

interface OneWaySettings {
  readonly interval: number
  readonly countMax: number
}
