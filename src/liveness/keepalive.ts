import type { Evidence } from '../errors.js'
import { AnswerAge, looksAnInterval } from './answer-age.js'
import type { Deadline, Deadlines } from './deadlines.js'
import { Plan } from './plan.js'
import type { KeepalivePort, Liveness, ProbeKind, SentProbe, VerdictReason } from './port.js'
import type { HostMemory } from './probe-memory.js'
import { Prober } from './prober.js'
import { Probes } from './probes.js'
import { type KeepaliveSettings, silenceBound } from './settings.js'
import { Silence } from './silence.js'
import { Standing } from './standing.js'

/**
 * A wake that is late by no more than this is as good as a punctual one: all input that waited was read before it, so
 * the peer lost nothing. Timers of a busy process are late by tens of milliseconds; a machine that slept, whose network
 * needs time to come back, was away for longer than a second.
 */
const latenessMaxMs = 1000

/** An answer to `probeNow()`. */
export interface ProbeAnswer {
  /** By which message the peer was asked. */
  readonly probe: ProbeKind
  /** Milliseconds from sending it to its answer. */
  readonly rttMs: number
  /** Milliseconds until the engine would send by itself; null where it never does. */
  readonly nextMs: number | null
}

/**
 * Finds out whether the peer still lives: provokes it to speak when it is silent, judges it when it stays so, and never
 * before. It knows no packet and has no clock: instants are handed in, in milliseconds on a monotonic clock, and its
 * wakes are deadlines of the connection. All input that waits must be read before deadlines expire.
 */
export class Keepalive {
  readonly #port: KeepalivePort
  readonly #deadlines: Deadlines
  readonly #probes: Probes
  readonly #prober: Prober
  readonly #silence = new Silence()
  readonly #age = new AnswerAge()
  readonly #plan: Plan
  readonly #standing: Standing
  #running = false
  #deadline: Deadline | undefined
  /** When our next wake was due: whoever calls first after a sleep must not hide how late it is. */
  #plannedAt = Number.POSITIVE_INFINITY

  /** @param phase where in the interval it asks an idle peer, at least 0 and below 1: connections are spread by it */
  constructor(
    port: KeepalivePort,
    settings: KeepaliveSettings,
    deadlines: Deadlines,
    memory: HostMemory,
    phase: number,
  ) {
    this.#port = port
    this.#deadlines = deadlines
    this.#probes = new Probes(memory)
    this.#prober = new Prober(port, this.#probes)
    const parts = { port, silence: this.#silence, age: this.#age, probes: this.#probes, prober: this.#prober }
    this.#plan = new Plan(parts, settings, phase)
    this.#standing = new Standing(parts)
  }

  get settings(): KeepaliveSettings {
    return this.#plan.settings
  }

  /** Authentication succeeded: the first probe goes out now. Before that, servers take a probe for an attack. */
  start(now: number): void {
    this.#running = true
    this.#standing.start(now)
    this.#silence.heard(now)
    if (this.#plan.settings.interval !== false) this.#send(now)
    this.#schedule(now)
  }

  /** Before `start()`: the peer took so many milliseconds for an answer, which is a round trip and its own thinking. */
  loginAnswered(tookMs: number): void {
    this.#probes.roundTrips.loginAnswered(tookMs)
  }

  /** Ends everything: the connection is over. */
  stop(): void {
    this.#running = false
    this.#deadline?.cancel()
    this.#prober.forgetAskers()
  }

  /** Any authenticated packet is life. Called for each of them, so it leaves nearly all work to the next wake. */
  heard(now: number, bytes: number): void {
    const wasAsked = this.#silence.asked > 0
    this.#silence.heard(now)
    this.#age.bytesHeard += bytes
    if (wasAsked) this.#silenceEnded(now)
    if (this.#standing.state === 'suspect') this.#standing.turn('alive', now)
  }

  /** Call `heard()` for the packet first. UNIMPLEMENTED and a refusal are answers as good as any. */
  answered(probe: SentProbe, now: number): void {
    this.#silence.answered()
    const waited = this.#prober.answered(probe, now)
    this.#age.begin(this.#probes.followed, now)
    // The wake stands where no answer to what waits can call for a sooner one; this one can.
    if (!waited) this.#schedule(now)
  }

  /** The peer answered something else, which had been handed over for sending at `sentAt`: it hears us. */
  confirmed(sentAt: number, now: number): void {
    this.#probes.confirmed(sentAt, now)
    this.#age.restart(now)
  }

  /** This probe will get no answer, through no fault of the peer: its channel was closed. */
  voided(probe: SentProbe, now: number): void {
    const wasOldest = this.#probes.oldest?.probe === probe
    this.#probes.voided(probe)
    if (wasOldest) this.#age.restart(now)
  }

  /** The first KEXINIT, of either side, passes. */
  keyExchangeStarted(): void {
    this.#prober.keyExchangeStarted()
  }

  /** The peer's KEXINIT came: it answers nothing else until the exchange is over. */
  keyExchangeJoined(): void {
    this.#prober.keyExchangeJoined()
  }

  /** NEWKEYS passed both ways. */
  keyExchangeEnded(now: number): void {
    this.#prober.keyExchangeEnded(now, this.#kinds())
    this.#age.restart(now)
    this.#schedule(now)
  }

  /** New settings hold from now on. What they make overdue is asked for, not held against the peer. */
  configure(settings: KeepaliveSettings, now: number): void {
    const before = this.#plan.settings
    this.#plan.settings = settings
    if (!this.#running) return
    if (!this.#plan.judges && this.#standing.state === 'suspect') this.#standing.turn('alive', now)
    if (settings.interval !== false && !judgesAlike(before, settings)) this.#askOverdue(before, settings.interval, now)
    this.#schedule(now)
  }

  /**
   * The wall clock stepped, or the machine slept: how long nobody listened is unknown, so the peer is asked as if it
   * had only now fallen silent. Connections take seconds to come back after a sleep, and retransmissions still longer.
   */
  disturbed(now: number): void {
    const { interval, countMax } = this.#plan.settings
    if (!this.#running || interval === false) return
    this.#age.absent(now)
    if (this.#silence.excuse(Number.POSITIVE_INFINITY, interval, countMax)) this.#askAnew(now, interval)
    this.#schedule(now)
  }

  /**
   * Asks now, or as soon as a key exchange is over; judges nobody.
   * @param answered is called once, with the first answer to anything asked from now on
   * @param sent is called once the kernel has taken the last byte of what asks
   * @returns a function that takes it back
   */
  probeNow(now: number, answered: (answer: ProbeAnswer) => void, sent = () => {}): () => void {
    const takeBack = this.#prober.ask({
      from: now,
      sent,
      answered: (probe, rttMs, at) => answered({ probe, rttMs, nextMs: this.nextMs(at) }),
    })
    this.#schedule(now)
    return takeBack
  }

  /** Milliseconds that the last answer to a probe took; null before the first. */
  get rttMs(): number | null {
    return this.#probes.roundTrips.lastMs
  }

  liveness(now: number): Liveness {
    return this.#standing.liveness(now, this.#plan.judges ? silenceBound(this.#plan.settings) : null)
  }

  evidence(now: number): Evidence {
    return this.#standing.evidence(now)
  }

  /** Milliseconds until it would send by itself, or null. */
  nextMs(now: number): number | null {
    const { interval } = this.#plan.settings
    if (!this.#running || interval === false) return null
    return Math.max(0, Math.min(this.#plan.silenceDue(interval), this.#plan.askDue(interval)) - now)
  }

  #wake(now: number): void {
    const at = this.#plannedAt
    this.#plannedAt = Number.POSITIVE_INFINITY
    const { interval } = this.#plan.settings
    if (!this.#running || interval === false) return
    const lateMs = lateness(now - at, interval)
    if (lateMs > 0) {
      this.#silence.blocked(lateMs)
      this.#probes.lost(lateMs, now)
    }
    const gaveUp = !this.#prober.inKeyExchange && this.#probes.giveUp(now, interval)
    if (gaveUp && !this.#probes.answers) this.#send(now)
    this.#watchSilence(now, interval, lateMs)
    if (this.#running) this.#watchAnswers(now, interval, lateMs)
    if (this.#running) this.#watchWrites(now, interval, lateMs)
    this.#schedule(now)
  }

  #askOverdue(before: KeepaliveSettings, interval: number, now: number): void {
    this.#age.restart(now)
    // The plan by the last packet holds still: to begin the count anew would only put the verdict off.
    if (this.#silence.asked === 0 && this.#silence.heardAt + interval > now) return
    const { countMax, wantReply } = this.#plan.settings
    const { asked } = this.#silence
    // Nothing that would prove anything was asked so far.
    if (before.interval === false || (wantReply && !before.wantReply)) this.#silence.restart()
    // Of fewer questions the last one is still to come.
    else if (asked >= countMax && asked < before.countMax) return this.#ask(now)
    else if (interval >= before.interval || !this.#silence.excuse(Number.POSITIVE_INFINITY, interval, countMax)) return
    if (this.#plan.silenceDue(interval) <= now) this.#ask(now)
  }

  /** The peer is silent: asks it, doubts it, judges it. */
  #watchSilence(now: number, interval: number, lateMs: number): void {
    const { countMax } = this.#plan.settings
    const due = this.#plan.silenceDue(interval)
    // A late wake never judges: the peer is asked once more, and its answer gets its whole time.
    const spoilt = lateMs > 0 && (due <= now || this.#silence.asked > 0)
    if (spoilt && this.#silence.excuse(lateMs, interval, countMax)) return this.#askAnew(now, interval)
    if (due > now) return this.#betweenSteps(now, interval, due)
    const isDoubted = this.#silence.asked > 0 && this.#plan.judges
    const isLast = isDoubted && this.#silence.asked >= countMax
    if (isLast && this.#prober.inKeyExchange) return this.#judge('silence', now)
    if (isDoubted && this.#standing.state === 'alive') this.#standing.turn('suspect', now)
    if (!this.#running) return
    this.#ask(now)
    if (isLast) this.#askLast(now)
  }

  #betweenSteps(now: number, interval: number, due: number): void {
    if (this.#plan.silenceLastDue(interval, due) <= now) this.#askLast(now)
    else if (this.#plan.silenceKeptDue(interval, due) <= now) this.#send(now)
  }

  /** Packets come in, perhaps from a peer that does not hear us. */
  #watchAnswers(now: number, interval: number, lateMs: number): void {
    if (this.#plan.askDue(interval) <= now) this.#prober.probe(now, this.#probes.worthSending())
    this.#followOldest(now)
    if (this.#prober.isExcused) return
    if (this.#plan.answersLastDue(interval) <= now) this.#askLast(now)
    if (this.#age.due(interval) > now) return
    if (lateMs > 0) return this.#age.absent(now)
    this.#age.check(now, interval, this.#silence.heardAt)
    if (this.#age.intervals > this.#plan.settings.countMax && this.#plan.judges && this.#prober.inKeyExchange)
      this.#judge('one-way', now)
  }

  /** Where silence is not judged, bytes that nobody takes are. */
  #watchWrites(now: number, interval: number, lateMs: number): void {
    if (lateMs > 0) this.#plan.excuseWrites(now + interval)
    if (this.#plan.writesDue(interval) <= now) this.#judge('writes', now)
  }

  /** Asks the silent peer. A probe that cannot be sent counts: in a key exchange the KEXINIT itself asks for an answer. */
  #ask(now: number): void {
    this.#silence.ask(now)
    this.#send(now)
  }

  /** Asks a silent peer that has lost some of its time. */
  #askAnew(now: number, interval: number): void {
    this.#port.excused((this.#plan.settings.countMax + 1) * interval)
    this.#ask(now)
  }

  /** A peer may leave unanswered what it answered before, or everything else, and live: every peer must answer this. */
  #askLast(now: number): void {
    if (!this.#prober.inKeyExchange) this.#prober.probe(now, ['key-exchange'])
  }

  #send(now: number): void {
    if (this.#plan.settings.wantReply) this.#prober.probe(now, this.#kinds())
    else this.#prober.refresh(now)
  }

  /** What a silent peer is asked. What a mute one is asked leaves a slot waiting for ever, so each kind is tried once. */
  #kinds(): Iterable<ProbeKind> {
    return this.#probes.mute ? this.#probes.worthSending() : this.#probes.candidates()
  }

  #judge(reason: VerdictReason, now: number): void {
    const verdict = this.#standing.judge(reason, now)
    this.stop()
    this.#port.verdict(verdict)
  }

  /** Our wake may stand at a later step of that silence than the first of the next one is. */
  #silenceEnded(now: number): void {
    const { interval } = this.#plan.settings
    if (interval !== false && this.#plannedAt > this.#prober.triedAt + interval) this.#schedule(now)
  }

  /** One deadline stands for everything; what has moved it later since is found out when it expires. */
  #schedule(now: number): void {
    const { interval } = this.#plan.settings
    if (!this.#running || interval === false) {
      this.#deadline?.cancel()
      return
    }
    this.#followOldest(now)
    if (this.#plannedAt >= now) this.#plannedAt = Math.max(now, this.#plan.next(now, interval))
    const at = Math.max(now, this.#plannedAt)
    if (this.#deadline === undefined) this.#deadline = this.#deadlines.add(at, (expired) => this.#wake(expired))
    else this.#deadline.move(at)
  }

  #followOldest(now: number): void {
    this.#age.follow(this.#probes.followed, now)
  }
}

/** Said again, the same puts no verdict off. */
function judgesAlike(a: KeepaliveSettings, b: KeepaliveSettings): boolean {
  return a.interval === b.interval && a.countMax === b.countMax && a.wantReply === b.wantReply
}

/** By how much a wake came too late to be taken for a punctual one; 0 if it was in time. */
function lateness(ms: number, interval: number): number {
  return ms > Math.min(interval / looksAnInterval, latenessMaxMs) ? ms : 0
}
