import type { Deadline, Deadlines } from '../liveness/deadlines.js'
import type { Keepalive } from '../liveness/keepalive.js'

/** Bytes: what may go out before anything is known of the link, and what always may. */
const firstAllowance = 128 * 1024
const leastAllowance = 64 * 1024
/** Bytes a second: with a short bound of silence, no more than so slow a link moves in half of it. */
const slowLink = 8_000

/**
 * A packet counts once it is whole. On a slow link large ones take a second each, and where connections go through one
 * another, what is asked in one waits for packets of the next: so only this part of what may be on its way is in each.
 */
const packetsOnTheWay = 8
const leastPacket = 2 * 1024

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
  readonly keepalive: Pick<Keepalive, 'liveness' | 'probeNow'>
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

interface Answer {
  readonly askedAt: number
  readonly answeredAt: number
  readonly position: number
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
  #lastAnswer: Answer = { askedAt: 0, answeredAt: 0, position: 0 }
  /** Bytes a millisecond. */
  #speed = 0
  /** Nothing is known of the link, and so nothing is held back. */
  #isBlind = false

  constructor(port: PacePort) {
    this.#port = port
  }

  get allowsMore(): boolean {
    return this.#isBlind || this.#onItsWay < this.#allowance
  }

  /** Bytes of data that the next packet may have. */
  get packetMax(): number {
    return this.#isBlind
      ? Number.POSITIVE_INFINITY
      : Math.max(leastPacket, Math.floor(this.#allowance / packetsOnTheWay))
  }

  sent(bytes: number): void {
    if (this.#sent === 0) this.#begin()
    this.#sent += bytes
    this.#askIfTime()
  }

  /** The peer's windows say that so many bytes have arrived in all: more may be sent, once what else was read is known. */
  covered(bytes: number): void {
    this.#arrived = Math.max(this.#arrived, bytes)
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
    const now = this.#port.now()
    this.#lastAnswer = { askedAt: now, answeredAt: now, position: 0 }
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
    const { bound, rttMs } = keepalive.liveness(askedAt)
    this.#askedAt = askedAt
    // A peer that is not judged by its answers may have none to give.
    if (bound === null) {
      this.#isBlind = true
      return
    }
    this.#noteRtt(rttMs)
    this.#takeBack = keepalive.probeNow(askedAt, () => this.#answered(question))
    this.#deadline = deadlines.add(askedAt + this.#answerMs, () => this.#giveUp())
  }

  #answered(question: Question): void {
    const { askedAt, position, onItsWay } = question
    const now = this.#port.now()
    this.stop()
    this.#isBlind = false
    this.#answerMs = laterAnswerMs
    this.#noteRtt(now - askedAt)
    this.#noteSpeed(question, now)
    this.#least = this.#heedBound(leastAllowance)
    this.#allowance = Math.max(this.#least, Math.min(onItsWay * growthMax, this.#speed * this.#queueMs))
    this.#arrived = Math.max(this.#arrived, position)
    // Also where the peer's windows had said that it arrived: more is allowed now.
    this.#port.resumed()
    // What is held back now must be let go when the link has moved what is before it.
    this.#askIfTime()
  }

  /**
   * From one answer to the next the link has moved all that was sent between the two questions, perhaps in less time: it is no
   * slower than that. And it is no faster than if all that was on its way had moved since the question: much of it may
   * have arrived before, when an answer came late, as over hops, or in a key exchange. Between the two nothing is known.
   */
  #noteSpeed({ askedAt, position, onItsWay }: Question, now: number): void {
    const last = this.#lastAnswer
    const slowest = (position - last.position) / Math.max(askedAt - last.askedAt, now - last.answeredAt, 1)
    const fastest = onItsWay / Math.max(now - askedAt, 1)
    this.#speed = Math.max(slowest, Math.min(this.#speed, fastest))
    this.#lastAnswer = { askedAt, answeredAt: now, position }
  }

  /** For how long the link may be busy with what is on its way: half of the bound of silence at most. */
  get #queueMs(): number {
    const { bound } = this.#port.keepalive.liveness(this.#port.now())
    const wantedMs = Math.min(Math.max(queueMs, 4 * this.#leastRttMs), queueMaxMs)
    return bound === null ? wantedMs : Math.min(wantedMs, bound / 2)
  }

  /** In a key exchange nothing but its own messages asks the peer, and they stand behind all of this. */
  #heedBound(allowance: number): number {
    const { bound } = this.#port.keepalive.liveness(this.#port.now())
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
