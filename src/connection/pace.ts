import type { Deadline, Deadlines } from '../liveness/deadlines.js'
import type { Keepalive } from '../liveness/keepalive.js'

/** Bytes: what may go out before anything is known of the link, and what always may. */
const firstAllowance = 128 * 1024
const leastAllowance = 64 * 1024
/** Bytes a second: with a short bound of silence, no more than so slow a link moves in half of it. */
const slowLink = 8_000

/** An answer lets out so much more at most than there was to measure by: as TCP does, it takes some to find out. */
const growthMax = 4

/** Milliseconds: as much is let out as the link moves in this time, or in four round trips where those take longer. */
const queueMs = 1000
const queueMaxMs = 5000

/** Milliseconds: who answers nothing for so long may never do; nor, after a first answer, on any link worth the wait. */
const firstAnswerMs = 5000
const laterAnswerMs = 60_000

export interface PacePort {
  readonly deadlines: Deadlines
  /** Who asks the peer. */
  readonly keepalive: () => Pick<Keepalive, 'liveness' | 'probeNow'>
  now(): number
  /** More may be sent now. */
  resumed(): void
}

interface Question {
  readonly askedAt: number
  /** Data sent before it in all, and how much of that was still on its way. */
  readonly position: number
  readonly onItsWay: number
}

/**
 * Keeps short what kernel and network hold of our data. Megabytes fit into their buffers, a minute and a half at 48 kB/s,
 * and behind them would stand every request, probe and key exchange, until a healthy link looks dead. How fast it is, a
 * question tells that travels with the data.
 */
export class Pace {
  readonly #port: PacePort
  #allowance = firstAllowance
  #least = leastAllowance
  #sent = 0
  #arrived = 0
  /** Takes back the question that waits for its answer. */
  #takeBack: (() => void) | undefined
  #deadline: Deadline | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #leastRttMs = Number.POSITIVE_INFINITY
  #answerMs = firstAnswerMs
  /** Nothing is known of the link, and so nothing is held back. */
  #isBlind = false

  constructor(port: PacePort) {
    this.#port = port
  }

  get allowsMore(): boolean {
    return this.#isBlind || this.#onItsWay < this.#allowance
  }

  sent(bytes: number): void {
    if (this.#sent === 0) this.#begin()
    this.#sent += bytes
    this.#askIfTime()
  }

  /** The peer's windows say that so many bytes have arrived in all. */
  covered(bytes: number): void {
    if (bytes <= this.#arrived) return
    this.#arrived = bytes
    this.#port.resumed()
  }

  stop(): void {
    this.#takeBack?.()
    this.#takeBack = undefined
    this.#deadline?.cancel()
    this.#deadline = undefined
  }

  get #onItsWay(): number {
    return this.#sent - this.#arrived
  }

  get #isTimeToAsk(): boolean {
    const sinceMs = this.#port.now() - this.#askedAt
    if (this.#isBlind) return sinceMs >= this.#answerMs
    return this.#onItsWay >= (sinceMs >= queueMs ? this.#least : this.#allowance) / 2
  }

  /** What is asked for before the first answer must be no more than what is let out, or nobody would ever ask. */
  #begin(): void {
    this.#allowance = this.#heedBound(firstAllowance)
    this.#least = this.#heedBound(leastAllowance)
  }

  #askIfTime(): void {
    if (this.#takeBack === undefined && this.#isTimeToAsk) this.#ask()
  }

  #ask(): void {
    const { keepalive, deadlines } = this.#port
    const askedAt = this.#port.now()
    const question = { askedAt, position: this.#sent, onItsWay: this.#onItsWay }
    const { bound, rttMs } = keepalive().liveness(askedAt)
    this.#askedAt = askedAt
    // A peer that is not judged by its answers may have none to give.
    if (bound === null) {
      this.#isBlind = true
      return
    }
    this.#noteRtt(rttMs)
    this.#takeBack = keepalive().probeNow(askedAt, () => this.#answered(question))
    this.#deadline = deadlines.add(askedAt + this.#answerMs, () => this.#giveUp())
  }

  #answered({ askedAt, position, onItsWay }: Question): void {
    const elapsedMs = this.#port.now() - askedAt
    this.stop()
    this.#isBlind = false
    this.#answerMs = laterAnswerMs
    this.#noteRtt(elapsedMs)
    const timeMs = Math.min(Math.max(queueMs, 4 * this.#leastRttMs), queueMaxMs)
    this.#least = this.#heedBound(leastAllowance)
    // Much of it may have arrived long before the question, as in a key exchange: then its speed is no link's.
    const moved = Math.min(onItsWay * growthMax, (onItsWay * timeMs) / Math.max(elapsedMs, 1))
    this.#allowance = Math.max(this.#least, moved)
    this.#arrived = Math.max(this.#arrived, position)
    // Also where the peer's windows had said that it arrived: more is allowed now.
    this.#port.resumed()
    // What is held back now must be let go when the link has moved what is before it.
    this.#askIfTime()
  }

  /** In a key exchange nothing but its own messages asks the peer, and they stand behind all of this. */
  #heedBound(allowance: number): number {
    const { bound } = this.#port.keepalive().liveness(this.#port.now())
    return bound === null ? allowance : Math.min(allowance, (slowLink * bound) / 2000)
  }

  #giveUp(): void {
    this.stop()
    this.#isBlind = true
    this.#port.resumed()
  }

  #noteRtt(rttMs: number | null): void {
    this.#leastRttMs = Math.min(this.#leastRttMs, rttMs ?? Number.POSITIVE_INFINITY)
  }
}
