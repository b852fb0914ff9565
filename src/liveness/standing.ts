import type { Evidence } from '../errors.js'
import type { KeepaliveParts } from './plan.js'
import type { Liveness, LivenessState, Verdict, VerdictReason } from './port.js'

/** Whether the peer is taken for alive, and what is told of it. */
export class Standing {
  state: LivenessState = 'alive'
  readonly #parts: KeepaliveParts
  #stateAt = 0

  constructor(parts: KeepaliveParts) {
    this.#parts = parts
  }

  /** It counts from now on how long the peer has been alive. */
  start(now: number): void {
    this.#stateAt = now
  }

  /** The peer is suspect, or alive again. */
  turn(to: 'alive' | 'suspect', now: number): void {
    const from = this.state
    this.#enter(to, now)
    this.#parts.port.changed({ from, to, evidence: this.evidence(now) })
  }

  /** The peer is dead. The owner tells it, once nothing of it goes on. */
  judge(reason: VerdictReason, now: number): Verdict {
    const verdict = { reason, from: this.state, evidence: this.evidence(now) }
    this.#enter('dead', now)
    return verdict
  }

  /** @param bound the longest silence before the verdict; null where there is none */
  liveness(now: number, bound: number | null): Liveness {
    const { silence, probes } = this.#parts
    return {
      state: this.state,
      sinceMs: Math.round(now - this.#stateAt),
      lastHeardMs: this.#lastHeardMs(now),
      unanswered: silence.asked,
      rttMs: probes.roundTrips.lastMs,
      bound,
    }
  }

  evidence(now: number): Evidence {
    const { port, silence, probes, prober } = this.#parts
    return {
      lastHeardMs: this.#lastHeardMs(now),
      probesSent: prober.sent,
      probesUnanswered: probes.waiting,
      rttMs: probes.roundTrips.lastMs,
      unsentBytes: port.unsentBytes(),
      loopBlockedMs: Math.round(silence.blockedMs),
    }
  }

  #enter(state: LivenessState, now: number): void {
    this.state = state
    this.#stateAt = now
  }

  #lastHeardMs(now: number): number | null {
    const { heardAt } = this.#parts.silence
    return heardAt === Number.NEGATIVE_INFINITY ? null : Math.round(now - heardAt)
  }
}
