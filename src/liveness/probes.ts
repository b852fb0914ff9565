import { type ProbeKind, probeKinds, type SentProbe } from './port.js'
import type { HostMemory } from './probe-memory.js'
import { RoundTrips } from './round-trips.js'

/** A probe that waits for its answer. */
export interface WaitingProbe {
  readonly probe: SentProbe
  readonly sentAt: number
  /** When something that was sent later was answered: the peer has passed it over, or is about to answer it. */
  passedAt: number | undefined
}

const ordinaryKinds: readonly ProbeKind[] = probeKinds.filter((kind) => kind !== 'key-exchange')

/** A program may ask a deaf peer as often as it likes. Beyond this many all but the oldest, by which it is judged, go. */
const waitingMax = 64

/**
 * The probes that wait for an answer, and what their answers teach about the peer:
 * - it `answers`: some kind was answered on this connection, so silence means something;
 * - it is `mute`: it heard what we sent after a probe, as other answers show, and answered no probe of any kind;
 * - neither: nothing sent after authentication was answered yet, by which a peer that has vanished looks like a mute
 *   one. Such a peer is judged, but the last probe before the verdict is a key exchange, which a live one must answer.
 */
export class Probes {
  /** When the last sign came that the peer hears us: an answer, whichever question it was meant for. */
  confirmedAt = Number.NEGATIVE_INFINITY
  readonly roundTrips = new RoundTrips()
  readonly #memory: HostMemory
  /** Lists and not a Set and a Map: an idle connection keeps them, and of those even an empty one has 150 bytes. */
  #answered: readonly ProbeKind[] = []
  /** How often, in the order of `ordinaryKinds`. */
  readonly #tried = ordinaryKinds.map(() => 0)
  readonly #waiting: WaitingProbe[] = []
  /** The last of each kind that seems answered, as long as its answer may have been meant for another question. */
  #unsure: Map<ProbeKind, SentProbe> | undefined
  /** When the peer last answered a probe. */
  #answeredAt = Number.NEGATIVE_INFINITY
  #confirmedTo = Number.NEGATIVE_INFINITY

  constructor(memory: HostMemory) {
    this.#memory = memory
  }

  /** How many wait for their answer. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Whether the last sign that the peer hears us was the answer to a probe. */
  get isConfirmedByAnswer(): boolean {
    return this.#answeredAt === this.confirmedAt
  }

  get answers(): boolean {
    return this.#answered.length > 0
  }

  get mute(): boolean {
    return this.#answered.length === 0 && this.#memory.mute
  }

  /**
   * The oldest probe that the peer must have heard nothing of if it does not hear us any more: of a kind that it is known
   * to answer, since any other may be one that it hears and leaves unanswered.
   */
  get oldest(): WaitingProbe | undefined {
    for (const waiting of this.#waiting) {
      if (waiting.passedAt === undefined && this.#answered.includes(waiting.probe.kind)) return waiting
    }
    return undefined
  }

  /** By whose answer is seen whether the peer hears us: the last question, if something else was answered, or the oldest. */
  get followed(): WaitingProbe | undefined {
    if (this.#waiting.length === 0) return undefined
    return (this.answers ? this.#waiting.find(isKeyExchange) : undefined) ?? this.oldest
  }

  /**
   * Kinds to try now, best first: those it answers, the one with the fewest answers due before the others; then the one
   * that has been tried least. Nearly always the first can be sent, so the others are not looked for before they are asked for.
   */
  *candidates(): Iterable<ProbeKind> {
    // The sort is stable: of kinds that rank alike the better one comes first.
    yield* this.#answered.toSorted((a, b) => this.#count(a) - this.#count(b))
    const others = ordinaryKinds.filter((kind) => !this.#answered.includes(kind) && !this.#memory.deaf.has(kind))
    yield* others.toSorted((a, b) => this.#triedOf(a) - this.#triedOf(b))
  }

  /**
   * Kinds worth sending while packets come in. A peer that answers is asked on while an answer is due: answers that went
   * astray must not count for a peer that does not hear. Any other peer is asked by each kind once, as is one of which
   * nothing that it answers can be asked now.
   */
  worthSending(): ProbeKind[] {
    const worth = [...this.candidates()].filter((kind) => this.#answered.includes(kind) || this.#count(kind) === 0)
    return this.#mayAskLast ? [...worth, 'key-exchange'] : worth
  }

  /** Whether there are any of those. */
  get anyWorthSending(): boolean {
    return this.#mayAskLast || this.worthSending().length > 0
  }

  add(probe: SentProbe, now: number): void {
    if (this.#waiting.length >= waitingMax) this.#forgetSpare()
    const order = ordinaryKinds.indexOf(probe.kind)
    if (order !== -1) this.#tried[order] = this.#triedOf(probe.kind) + 1
    this.#waiting.push({ probe, sentAt: now, passedAt: undefined })
  }

  /** @returns when it was sent, or undefined for one that no longer waits */
  answered(probe: SentProbe, now: number): number | undefined {
    const index = this.#waiting.findIndex((waiting) => waiting.probe === probe)
    if (probe.kind !== 'key-exchange') this.#seemsAnswered(probe.kind, probe)
    // Those that went out at the same instant are told apart by their order alone.
    if (index > 0) for (const before of this.#waiting.slice(0, index)) before.passedAt ??= now
    const sentAt = this.#takeAt(index)?.sentAt
    if (sentAt !== undefined && probe.kind !== 'key-exchange') this.roundTrips.took(roundTrip(sentAt, now), now)
    this.#answeredAt = now
    this.confirmed(sentAt ?? this.#confirmedTo, now)
    return sentAt
  }

  /** The peer answered something that was sent at `sentAt`, so it has heard all that went before. */
  confirmed(sentAt: number, now: number): void {
    this.confirmedAt = now
    this.#confirmedTo = Math.max(this.#confirmedTo, sentAt)
    if (this.#unsure !== undefined) this.#learnSure(this.#unsure)
    for (const waiting of this.#waiting) {
      if (waiting.sentAt < this.#confirmedTo) waiting.passedAt ??= now
    }
  }

  /** Everything that may be sent at all, those first that are worth it. */
  everyKind(): ProbeKind[] {
    return [...new Set([...this.candidates(), ...ordinaryKinds])]
  }

  /** It will never be answered, and says nothing about the peer. */
  voided(probe: SentProbe): boolean {
    return this.#take(probe) !== undefined
  }

  /** OpenSSH drops a PING that comes after it has begun a key exchange; those before ours it has answered by then. */
  voidPings(): boolean {
    const pings = this.#waiting.filter(({ probe }) => probe.kind === 'ping')
    for (const { probe } of pings) this.#take(probe)
    return pings.length > 0
  }

  /** This process did not listen for so long: how late the answers were that came meanwhile says nothing of the link. */
  lost(milliseconds: number, now: number): void {
    this.roundTrips.forgetSince(now - milliseconds)
    this.delayed(milliseconds, now)
  }

  /** Answers could not come, or not be heard, for so long. */
  delayed(milliseconds: number, now: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.passedAt !== undefined) waiting.passedAt = Math.min(waiting.passedAt + milliseconds, now)
    }
  }

  /** When the first probe that was passed over is given up. */
  passedDue(interval: number): number {
    for (const { passedAt } of this.#waiting) {
      if (passedAt !== undefined) return passedAt + interval
    }
    return Number.POSITIVE_INFINITY
  }

  /**
   * Gives up probes that were passed over an interval ago: the peer is deaf to their kind.
   * @returns whether there were any
   */
  giveUp(now: number, interval: number): boolean {
    if (this.passedDue(interval) > now) return false
    const deaf = this.#waiting.filter(({ passedAt }) => passedAt !== undefined && passedAt + interval <= now)
    for (const { probe } of deaf) {
      this.#take(probe)
      if (probe.kind !== 'key-exchange') this.#giveUpKind(probe.kind)
    }
    return deaf.length > 0
  }

  /** Those of its kind that went out since are answered no more than it was, though nothing has passed them over. */
  #giveUpKind(kind: ProbeKind): void {
    this.#unlearn(kind)
    for (const { probe } of this.#waiting.filter((waiting) => waiting.probe.kind === kind)) this.#take(probe)
  }

  #forgetSpare(): void {
    const { oldest } = this
    const index = this.#waiting.findIndex((waiting) => waiting !== oldest)
    this.#waiting.splice(index, 1)
  }

  #seemsAnswered(kind: ProbeKind, probe: SentProbe): void {
    if (probe.isAnswerSure()) this.#learn(kind)
    else (this.#unsure ??= new Map()).set(kind, probe)
  }

  #learnSure(unsure: ReadonlyMap<ProbeKind, SentProbe>): void {
    for (const [kind, probe] of unsure) {
      if (probe.isAnswerSure()) this.#learn(kind)
    }
  }

  #learn(kind: ProbeKind): void {
    this.#unsure?.delete(kind)
    if (!this.#answered.includes(kind))
      this.#answered = ordinaryKinds.filter((other) => other === kind || this.#answered.includes(other))
    this.#memory.deaf.delete(kind)
    this.#memory.mute = false
  }

  #unlearn(kind: ProbeKind): void {
    this.#answered = this.#answered.filter((other) => other !== kind)
    this.#memory.deaf.add(kind)
    if (!this.answers) this.#memory.mute = true
  }

  get #mayAskLast(): boolean {
    return !this.mute && !this.#waiting.some(isKeyExchange)
  }

  #triedOf(kind: ProbeKind): number {
    return this.#tried[ordinaryKinds.indexOf(kind)] ?? 0
  }

  #count(kind: ProbeKind): number {
    let count = 0
    for (const { probe } of this.#waiting) if (probe.kind === kind) count++
    return count
  }

  #take(probe: SentProbe): WaitingProbe | undefined {
    return this.#takeAt(this.#waiting.findIndex((waiting) => waiting.probe === probe))
  }

  #takeAt(index: number): WaitingProbe | undefined {
    return index === -1 ? undefined : this.#waiting.splice(index, 1)[0]
  }
}

function isKeyExchange({ probe }: WaitingProbe): boolean {
  return probe.kind === 'key-exchange'
}

/** Milliseconds, to the microsecond: clocks give more digits than they know. */
export function roundTrip(sentAt: number, now: number): number {
  return Math.round((now - sentAt) * 1000) / 1000
}
