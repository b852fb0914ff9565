import { Deadlines } from '#src/liveness/deadlines.js'
import { Keepalive } from '#src/liveness/keepalive.js'
import type { KeepalivePort, LivenessChange, ProbeKind, SentProbe, Verdict } from '#src/liveness/port.js'
import { type HostMemory, ProbeMemory } from '#src/liveness/probe-memory.js'
import { defaultKeepalive, type KeepaliveSettings } from '#src/liveness/settings.js'

/** What the peer does with what we send: milliseconds until its answer arrives here, or undefined for never. */
export type Answers = (kind: ProbeKind, sentAt: number) => number | undefined

interface Happening {
  readonly at: number
  readonly happen: () => void
  /** Comes from the network: while our loop is blocked it waits in the kernel. */
  readonly inbound: boolean
}

const packetBytes = 48

/** A connection with a peer that does as it is told, on a clock that is turned by hand. */
export class ScriptedPeer implements KeepalivePort {
  now = 0
  answers: Answers
  readonly offered = new Set<ProbeKind>(['ping', 'global-request', 'channel-open', 'key-exchange'])
  readonly keepalive: Keepalive
  readonly deadlines = new Deadlines()
  readonly sent: { at: number; kind: ProbeKind | 'refresh' }[] = []
  readonly changes: (LivenessChange & { at: number })[] = []
  readonly verdicts: (Verdict & { at: number })[] = []
  /** What lies in the way of probes and answers; looked at when the engine asks. */
  ahead: (sentAt: number) => number = () => 0
  behind: (sentAt: number) => number = () => 0
  unsent = 0
  stuck: number | undefined
  inKeyExchange = false
  #happenings: Happening[] = []
  #blockedUntil = 0
  #networkFrom = 0
  /** Counts key exchanges: a PING that meets one is dropped. */
  #epoch = 0

  constructor(
    settings: Partial<KeepaliveSettings>,
    answers: Answers,
    memory: HostMemory = new ProbeMemory().of('host'),
    phase = 0,
  ) {
    this.answers = answers
    this.keepalive = new Keepalive(this, { ...defaultKeepalive, ...settings }, this.deadlines, memory, phase)
  }

  send(kind: ProbeKind): SentProbe | undefined {
    if (this.inKeyExchange || !this.offered.has(kind)) return undefined
    const sentAt = this.now
    this.sent.push({ at: sentAt, kind })
    const probe = { kind, ahead: () => this.ahead(sentAt), behind: () => this.behind(sentAt), isAnswerSure: () => true }
    if (kind === 'key-exchange') this.#startKeyExchange()
    const delay = this.answers(kind, sentAt)
    const epoch = this.#epoch
    const answer = () => {
      if (kind !== 'ping' || epoch === this.#epoch) this.#answer(probe)
    }
    if (delay !== undefined) this.arrives(sentAt + delay, answer)
    return probe
  }

  refresh(): boolean {
    if (this.inKeyExchange) return false
    this.sent.push({ at: this.now, kind: 'refresh' })
    return true
  }

  unsentBytes(): number {
    return this.unsent
  }

  stuckSince(): number | undefined {
    return this.stuck
  }

  excused(): void {}

  changed(change: LivenessChange): void {
    this.changes.push({ ...change, at: this.now })
  }

  verdict(verdict: Verdict): void {
    this.verdicts.push({ ...verdict, at: this.now })
  }

  /** A packet of the peer arrives at that instant. */
  arrives(at: number, then: () => void = () => {}, bytes = packetBytes): void {
    this.#add({
      at: Math.max(at, this.#networkFrom),
      inbound: true,
      happen: () => {
        this.keepalive.heard(this.now, bytes)
        then()
      },
    })
  }

  /** Something here happens at that instant, or as soon as the loop is free. */
  does(at: number, happen: () => void): void {
    this.#add({ at, inbound: false, happen })
  }

  /** Our event loop does nothing from then on for that long. */
  block(at: number, forMs: number): void {
    this.does(at, () => {
      this.#blockedUntil = Math.max(this.#blockedUntil, this.now + forMs)
    })
  }

  /**
   * The machine sleeps, and its network takes so long to come back. Where the monotonic clock stands still meanwhile, as
   * on Linux, the driver sees the wall clock run ahead; elsewhere the wake is late.
   */
  sleep(at: number, forMs: number, networkBackMs: number, clockStandsStill: boolean): void {
    this.does(at, () => {
      if (!clockStandsStill) this.#blockedUntil = Math.max(this.#blockedUntil, this.now + forMs)
      this.#networkFrom = this.now + networkBackMs + (clockStandsStill ? 0 : forMs)
      this.#happenings = this.#happenings.map((happening) =>
        happening.inbound ? { ...happening, at: Math.max(happening.at, this.#networkFrom) } : happening,
      )
      if (clockStandsStill) this.keepalive.disturbed(this.now)
    })
  }

  /** A key exchange of the peer's making: its KEXINIT arrives, and its NEWKEYS so much later. */
  exchangesKeys(at: number, forMs: number): void {
    this.arrives(at, () => {
      if (this.inKeyExchange) return
      this.#startKeyExchange()
      this.#joinKeyExchange()
      this.arrives(this.now + forMs, () => this.#endKeyExchange())
    })
  }

  /** Lets time pass until then, or until the verdict. */
  run(until: number): this {
    while (this.verdicts.length === 0 && this.#step(until));
    if (this.verdicts.length === 0) this.now = Math.max(this.now, until)
    return this
  }

  /** One turn of the loop: what has arrived is read, then what was to be done is done, then deadlines expire. */
  #step(until: number): boolean {
    const at = Math.max(
      this.#blockedUntil,
      Math.min(this.#happenings[0]?.at ?? Infinity, this.deadlines.next() ?? Infinity),
    )
    if (at > until) return false
    this.now = Math.max(this.now, at)
    for (const { happen } of this.#takeDue()) happen()
    if (this.#blockedUntil > this.now) return true
    this.deadlines.expire(this.now)
    return true
  }

  #takeDue(): Happening[] {
    const due = this.#happenings.filter(({ at }) => at <= this.now)
    this.#happenings = this.#happenings.filter(({ at }) => at > this.now)
    return due.toSorted((a, b) => Number(b.inbound) - Number(a.inbound))
  }

  #add(happening: Happening): void {
    this.#happenings.push(happening)
    this.#happenings.sort((a, b) => a.at - b.at)
  }

  #answer(probe: SentProbe): void {
    this.keepalive.answered(probe, this.now)
    if (probe.kind !== 'key-exchange') return
    this.#joinKeyExchange()
    this.arrives(this.now + 20, () => this.#endKeyExchange())
  }

  #startKeyExchange(): void {
    this.inKeyExchange = true
    this.keepalive.keyExchangeStarted()
  }

  #joinKeyExchange(): void {
    this.#epoch++
    this.keepalive.keyExchangeJoined()
  }

  #endKeyExchange(): void {
    this.inKeyExchange = false
    this.keepalive.keyExchangeEnded(this.now)
  }
}

/** Answers everything after so long. */
export const after =
  (ms: number): Answers =>
  () =>
    ms

export const never: Answers = () => undefined
