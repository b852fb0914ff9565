import type { KeepalivePort, ProbeKind, SentProbe } from './port.js'
import { type Probes, roundTrip } from './probes.js'

interface Asker {
  readonly from: number
  /** Called whenever the kernel has taken a probe that was sent from then on. */
  readonly sent: () => void
  /** Called once, with the first answer to anything sent from then on. */
  readonly answered: (kind: ProbeKind, rttMs: number, at: number) => void
}

/** Sends probes: of a kind that can be sent now, or as soon as a key exchange is over. */
export class Prober {
  /** A key exchange is under way, in which no probe can be sent. */
  inKeyExchange = false
  /** One in which the peer takes part keeps it from answering anything else. */
  isExcused = false
  /** Probes sent so far, of any kind, and what asked for no answer. */
  sent = 0
  /** When something was last sent, or would have been. */
  triedAt = Number.NEGATIVE_INFINITY
  readonly #port: KeepalivePort
  readonly #probes: Probes
  #askers: readonly Asker[] = []
  /** A probe could not be sent, or was voided: it goes out once the key exchange is over. */
  #owed = false

  constructor(port: KeepalivePort, probes: Probes) {
    this.#port = port
    this.#probes = probes
  }

  /** What a key exchange holds up it answers for itself, and what nobody can be asked at all keeps a NAT open. */
  probe(now: number, kinds: Iterable<ProbeKind>): void {
    this.triedAt = now
    this.#owed = false
    const taken = this.#askers.length > 0 ? () => this.#taken(now) : undefined
    for (const kind of kinds) {
      const probe = this.#port.send(kind, taken)
      if (probe === undefined) continue
      this.sent++
      this.#probes.add(probe, now)
      return
    }
    if (this.inKeyExchange) this.#owed = true
    else this.refresh(now)
  }

  /** Keeps a NAT open, and asks for nothing. */
  refresh(now: number): void {
    this.triedAt = now
    if (this.#port.refresh()) this.sent++
  }

  /**
   * Asks, by whatever can be sent; a key exchange in progress is over first.
   * @returns a function that takes it back
   */
  ask(asker: Asker): () => void {
    this.#askers = [...this.#askers, asker]
    this.probe(asker.from, this.#probes.everyKind())
    return () => this.#forget(asker)
  }

  /** @returns whether it still waited for that */
  answered(probe: SentProbe, now: number): boolean {
    const sentAt = this.#probes.answered(probe, now)
    if (sentAt === undefined) return false
    if (this.#askers.length > 0) this.#tellAskers(probe.kind, sentAt, now)
    return true
  }

  #tellAskers(kind: ProbeKind, sentAt: number, now: number): void {
    for (const asker of this.#askedBy(sentAt)) {
      this.#forget(asker)
      asker.answered(kind, roundTrip(sentAt, now), now)
    }
  }

  keyExchangeStarted(): void {
    this.inKeyExchange = true
  }

  keyExchangeJoined(): void {
    this.isExcused = true
    if (this.#probes.voidPings()) this.#owed = true
  }

  /** @param kinds to send what is owed by, unless it is owed to somebody who asked */
  keyExchangeEnded(now: number, kinds: Iterable<ProbeKind>): void {
    this.inKeyExchange = false
    this.isExcused = false
    this.#probes.delayed(Number.POSITIVE_INFINITY, now)
    if (this.#owed) this.probe(now, this.#askers.length > 0 ? this.#probes.everyKind() : kinds)
  }

  forgetAskers(): void {
    this.#askers = []
  }

  #forget(asker: Asker): void {
    this.#askers = this.#askers.filter((other) => other !== asker)
  }

  #taken(sentAt: number): void {
    for (const asker of this.#askedBy(sentAt)) asker.sent()
  }

  /** Whom an answer to what was sent then serves. */
  #askedBy(sentAt: number): Asker[] {
    return this.#askers.filter(({ from }) => sentAt >= from)
  }
}
