import { type AnswerAge, looksAnInterval } from './answer-age.js'
import { lastInstant } from './phase.js'
import type { KeepalivePort } from './port.js'
import type { Prober } from './prober.js'
import type { Probes } from './probes.js'
import { type KeepaliveSettings, lastQuestionMs } from './settings.js'
import type { Silence } from './silence.js'

/** Where each keeps what it knows of the peer. */
export interface KeepaliveParts {
  readonly port: KeepalivePort
  readonly silence: Silence
  readonly age: AnswerAge
  readonly probes: Probes
  readonly prober: Prober
}

/** When the keepalive is to do what, by its settings and by what is known of the peer; infinite for what it is not to do. */
export class Plan {
  settings: KeepaliveSettings
  readonly #parts: KeepaliveParts
  readonly #phase: number
  #judgeFrom = Number.NEGATIVE_INFINITY

  /** @param phase where in the interval it asks, at least 0 and below 1 */
  constructor(parts: KeepaliveParts, settings: KeepaliveSettings, phase: number) {
    this.#parts = parts
    this.settings = settings
    this.#phase = phase
  }

  /** Whether the peer is judged by its silence. */
  get judges(): boolean {
    return this.settings.interval !== false && this.settings.wantReply && !this.#parts.probes.mute
  }

  /** That the kernel takes nothing is not judged sooner. */
  excuseWrites(until: number): void {
    this.#judgeFrom = until
  }

  /** When there is something to do. What is infinite for a connection that idles is not worked out for it at each wake. */
  next(now: number, interval: number): number {
    const { silence, age, probes, prober } = this.#parts
    const silenceDue = this.silenceDue(interval)
    const askDue = silence.asked > 0 ? this.#nextInSilence(now, interval, silenceDue) : this.askDue(interval)
    let next = Math.min(silenceDue, askDue, this.writesDue(interval))
    if (age.intervals > 0) next = Math.min(next, this.answersLastDue(interval))
    if (!prober.isExcused) next = Math.min(next, age.due(interval))
    if (probes.waiting === 0) return next
    if (!prober.inKeyExchange) next = Math.min(next, probes.passedDue(interval))
    // Sooner than this no answer to what waits brings a question: so answers leave the wake where it is.
    return Math.min(next, lastInstant(this.#phase, interval, now + interval))
  }

  /** Before a verdict the wakes come more often, so that no sleep of the machine can hide between two of them. */
  #nextInSilence(now: number, interval: number, silenceDue: number): number {
    const near = this.#parts.silence.asked >= this.settings.countMax && this.judges
    const watchful = near ? now + interval / looksAnInterval : Number.POSITIVE_INFINITY
    return Math.min(this.silenceLastDue(interval, silenceDue), this.silenceKeptDue(interval, silenceDue), watchful)
  }

  /** When the peer was silent for long enough: it is asked, or judged. */
  silenceDue(interval: number): number {
    const { silence, probes } = this.#parts
    const due = silence.due(interval, this.settings.countMax, probes.roundTrips.leastMs)
    const isSpread = silence.asked === 0 ? silence.isIdle : !this.judges
    return isSpread ? lastInstant(this.#phase, interval, due) : due
  }

  /** When a silent peer is to be asked the last question, before a step that is due then. */
  silenceLastDue(interval: number, silenceDue: number): number {
    const { silence, prober } = this.#parts
    const isLast = silence.asked >= this.settings.countMax && this.judges && !prober.inKeyExchange
    return isLast ? silenceDue - this.#lastQuestionMs(interval) : Number.POSITIVE_INFINITY
  }

  /**
   * When one that was asked early gets something more, where the next step is far: no pause is longer than an interval and a
   * quarter, or a NAT would forget the flow of a peer that is to speak again. It does not count: no step comes sooner for it.
   */
  silenceKeptDue(interval: number, silenceDue: number): number {
    const { silence, prober } = this.#parts
    const at = prober.triedAt + interval
    const isFar = silence.asked > 0 && !prober.inKeyExchange && silenceDue > at + interval / 4
    return isFar ? at : Number.POSITIVE_INFINITY
  }

  /** When one that we hear is. */
  answersLastDue(interval: number): number {
    const { age, prober } = this.#parts
    const isLast = age.intervals >= this.settings.countMax && this.judges && !prober.inKeyExchange
    return isLast ? age.due(interval) - this.#lastQuestionMs(interval) : Number.POSITIVE_INFINITY
  }

  #lastQuestionMs(interval: number): number {
    return lastQuestionMs(interval, this.#parts.probes.roundTrips.leastMs)
  }

  /** When nothing has shown for an interval that the peer hears us, though we hear it, and there is something left to ask. */
  askDue(interval: number): number {
    const { silence, probes, prober } = this.#parts
    const mayAsk = silence.asked === 0 && this.settings.wantReply && !prober.inKeyExchange
    if (!mayAsk || !probes.anyWorthSending) return Number.POSITIVE_INFINITY
    const due = Math.max(probes.confirmedAt, prober.triedAt) + interval
    // What was asked last may still be answered: until then nobody is asked sooner.
    const isSpread = probes.isConfirmedByAnswer && probes.confirmedAt > prober.triedAt
    return isSpread ? lastInstant(this.#phase, interval, due) : due
  }

  /** When it is too long that the kernel takes none of our bytes, where silence is not judged. */
  writesDue(interval: number): number {
    const { port, silence } = this.#parts
    const stuckSince = port.stuckSince()
    if (stuckSince === undefined || this.judges) return Number.POSITIVE_INFINITY
    const bound = (this.settings.countMax + 1) * interval
    return Math.max(Math.max(silence.heardAt, stuckSince) + bound, this.#judgeFrom)
  }
}
