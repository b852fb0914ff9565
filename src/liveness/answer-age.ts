import type { WaitingProbe } from './probes.js'

/** Bytes a second from which on we take what comes in for a full link, behind whose bytes an answer may be waiting. */
const heavyFlow = 1_000
/** Bytes a second that any full link moves at least: an eighth of the slowest we have measured (48 kB/s), and some. */
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
  #ageMs = 0
  #checkedAt = Number.NEGATIVE_INFINITY
  #bytesAt = 0
  #roomMs = 0

  /** How long the answer has been due. */
  get ageMs(): number {
    return this.#ageMs
  }

  /** When the clock wants to be looked at next. */
  due(interval: number): number {
    return this.#followed === undefined ? Number.POSITIVE_INFINITY : this.#checkedAt + interval
  }

  /** Turns to the probe that is now the oldest; starts again when it is another one. */
  follow(oldest: WaitingProbe | undefined, now: number, bytesHeard: number): void {
    if (oldest === this.#followed) return
    this.#followed = oldest
    if (oldest === undefined) return
    this.restart(now, bytesHeard)
    this.#roomMs = (1000 * (oldest.probe.ahead() + oldest.probe.behind())) / slowestLink
  }

  /** What came before says nothing: a key exchange has held up all answers. */
  restart(now: number, bytesHeard: number): void {
    this.#ageMs = 0
    this.#checkedAt = now
    this.#bytesAt = bytesHeard
  }

  /** Looks again, once an interval; a time in which we could not listen does not count. */
  check(now: number, bytesHeard: number, listened: boolean): void {
    const elapsed = now - this.#checkedAt
    const flow = (1000 * (bytesHeard - this.#bytesAt)) / elapsed
    this.#checkedAt = now
    this.#bytesAt = bytesHeard
    if (!listened || this.#followed === undefined) return
    this.#ageMs = this.#onItsWay(this.#followed, now, flow) ? 0 : this.#ageMs + elapsed
  }

  #onItsWay({ probe, sentAt }: WaitingProbe, now: number, flow: number): boolean {
    if (now >= sentAt + this.#roomMs) return false
    return probe.ahead() > 0 || (flow >= heavyFlow && probe.behind() > 0)
  }
}

/**
 * The longest time, from the last sign that the peer hears us, until the verdict `one-way`: an interval until it is
 * asked again, the bound for its answer, and at most one interval of the clock's own grain.
 * @param bytes in the way: ours not yet taken or covered, and the peer's still granted, if its flow is heavy
 */
export function oneWayBound(settings: { readonly interval: number; readonly countMax: number }, bytes = 0): number {
  return (settings.countMax + 3) * settings.interval + (1000 * bytes) / slowestLink
}
