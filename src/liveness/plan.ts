import { type AnswerAge, looksAnInterval } from './answer-age.js'
import { lastInstant } from './phase.js'
import type { KeepalivePort } from './port.js'
import type { Prober } from './prober.js'
import type { Probes } from './probes.js'
import { type KeepaliveSettings, lastQuestionMs } from './settings.js'
import type { Silence } from './silence.js'

export interface PlanParts {
  readonly port: KeepalivePort
  readonly silence: Silence
  readonly age: AnswerAge
  readonly probes: Probes
  readonly prober: Prober
}

/** When the keepalive is to do what, by its settings and by what is known of the peer; infinite for what it is not to do. */
export class Plan {
  #settings: KeepaliveSettings
  readonly #parts: PlanParts
  readonly #phase: number
  #judgeFrom = Number.NEGATIVE_INFINITY

  /** @param phase where in the interval it asks, at least 0 and below 1 */
  constructor(parts: PlanParts, settings: KeepaliveSettings, phase: number) {
    this.#parts = parts
    this.#settings = settings
    this.#phase = phase
  }

  get settings(): KeepaliveSettings {
    return this.#settings
  }

  /** These hold from now on. */
  configure(settings: KeepaliveSettings): void {
    this.#settings = settings
  }

  /** Whether the peer is judged by its silence. */
  get judges(): boolean {
    return this.#settings.interval !== false && this.#settings.wantReply && !this.#parts.probes.mute
  }

  /** That the kernel takes nothing is not judged sooner. */
  excuseWrites(until: number): void {
    this.#judgeFrom = until
  }

  /** When there is something to do. What is infinite for a connection that idles is not worked out for it at each wake. */
  next(now: number, interval: number): number {
    const { silence, age, probes, prober } = this.#parts
    let next = Math.min(this.silenceDue(interval), this.askDue(interval), this.writesDue(interval))
    if (silence.asked > 0) next = Math.min(next, this.#nextInSilence(now, interval))
    if (age.intervals > 0) next = Math.min(next, this.answersLastDue(interval))
    if (!prober.isExcused) next = Math.min(next, age.due(interval))
    if (!prober.inKeyExchange) next = Math.min(next, probes.passedDue(interval))
    // Sooner than this no answer to what waits brings a question: so answers leave the wake where it is.
    return probes.waiting.length > 0 ? Math.min(next, lastInstant(this.#phase, interval, now + interval)) : next
  }

  /** Before a verdict the wakes come more often, so that no sleep of the machine can hide between two of them. */
  #nextInSilence(now: number, interval: number): number {
    const near = this.judges && this.#parts.silence.asked >= this.#settings.countMax
    const watchful = near ? now + interval / looksAnInterval : Number.POSITIVE_INFINITY
    return Math.min(this.silenceLastDue(interval), this.silenceKeptDue(interval), watchful)
  }

  /** When the peer was silent for long enough: it is asked, or judged. */
  silenceDue(interval: number): number {
    const { silence, probes } = this.#parts
    const due = silence.due(interval, this.#settings.countMax, probes.leastRttMs)
    const isSpread = silence.asked === 0 ? silence.isIdle : !this.judges
    return isSpread ? lastInstant(this.#phase, interval, due) : due
  }

  /** When a silent peer is to be asked the last question. */
  silenceLastDue(interval: number): number {
    const { silence, prober } = this.#parts
    const isLast = this.judges && silence.asked >= this.#settings.countMax && !prober.inKeyExchange
    return isLast ? this.silenceDue(interval) - this.#lastQuestionMs(interval) : Number.POSITIVE_INFINITY
  }

  /**
   * When one that was asked early gets something more, where the next step is far: no pause is longer than an interval and a
   * quarter, or a NAT would forget the flow of a peer that is to speak again. It does not count: no step comes sooner for it.
   */
  silenceKeptDue(interval: number): number {
    const { silence, prober } = this.#parts
    const at = prober.triedAt + interval
    const isFar = silence.asked > 0 && !prober.inKeyExchange && this.silenceDue(interval) > at + interval / 4
    return isFar ? at : Number.POSITIVE_INFINITY
  }

  /** When one that we hear is. */
  answersLastDue(interval: number): number {
    const { age, prober } = this.#parts
    const isLast = this.judges && age.intervals >= this.#settings.countMax && !prober.inKeyExchange
    return isLast ? age.due(interval) - this.#lastQuestionMs(interval) : Number.POSITIVE_INFINITY
  }

  #lastQuestionMs(interval: number): number {
    return lastQuestionMs(interval, this.#parts.probes.leastRttMs)
  }

  /** When nothing has shown for an interval that the peer hears us, though we hear it, and there is something left to ask. */
  askDue(interval: number): number {
    const { silence, probes, prober } = this.#parts
    const mayAsk = this.#settings.wantReply && !prober.inKeyExchange && silence.asked === 0
    if (!mayAsk || !probes.anyWorthSending) return Number.POSITIVE_INFINITY
    const due = Math.max(probes.confirmedAt, prober.triedAt) + interval
    // What was asked last may still be answered: until then nobody is asked sooner.
    const isSpread = probes.isConfirmedByAnswer && probes.confirmedAt >= prober.triedAt
    return isSpread ? lastInstant(this.#phase, interval, due) : due
  }

  /** When it is too long that the kernel takes none of our bytes, where silence is not judged. */
  writesDue(interval: number): number {
    const stuckSince = this.judges ? undefined : this.#parts.port.stuckSince()
    if (stuckSince === undefined) return Number.POSITIVE_INFINITY
    const bound = (this.#settings.countMax + 1) * interval
    return Math.max(Math.max(this.#parts.silence.heardAt, stuckSince) + bound, this.#judgeFrom)
  }
}
