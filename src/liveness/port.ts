import type { Evidence } from '../errors.js'

/**
 * The messages that provoke an answer, best first. The first four are sent on and on; `key-exchange` is the question
 * that every peer must be able to answer (RFC 4253 section 9), and is asked once, before a peer that never answered
 * any of the others is given up.
 */
export const probeKinds = ['ping', 'global-request', 'channel-request', 'channel-open', 'key-exchange'] as const
export type ProbeKind = (typeof probeKinds)[number]

/** A probe on its way. The engine knows it by its identity. */
export interface SentProbe {
  readonly kind: ProbeKind
  /**
   * Bytes of ours that may still travel ahead of it: those the kernel has not taken up to the probe's own last byte, and
   * channel data sent before it that no WINDOW_ADJUST covers yet.
   */
  ahead(): number
  /**
   * Bytes of channel data that may still come before its answer: what was left, when the probe went out, of the windows
   * that we had granted, less what has come since. What a window has grown by, because the link had moved all of it in a
   * round trip, may count for less.
   */
  behind(): number
  /**
   * Once it seems answered: whether the answer was its own for sure. Where the order alone tells whose a reply is
   * (RFC 4254 section 4), it is so once nothing else waits in the same line: a peer that leaves one question unanswered and
   * answers the next seems to answer the first.
   */
  isAnswerSure(): boolean
}

export type LivenessState = 'alive' | 'suspect' | 'dead'

/** What is known of the peer. Times in milliseconds, up to now. */
export interface Liveness {
  readonly state: LivenessState
  /** How long it has been in this state. */
  readonly sinceMs: number
  /** How long ago the last packet came; null before the first. */
  readonly lastHeardMs: number | null
  /** Probes asked since the last packet came. */
  readonly unanswered: number
  /** The last round trip of a probe; null while none was answered. */
  readonly rttMs: number | null
  /** The longest silence before the verdict; null where the peer is not judged by silence. */
  readonly bound: number | null
}

/**
 * Why the peer was given up.
 * - `silence`: no packet of any kind for the whole bound.
 * - `one-way`: packets came, but none that shows that the peer still hears us.
 * - `writes`: the kernel took none of the waiting bytes, and nothing was heard, for the whole bound.
 */
export type VerdictReason = 'silence' | 'one-way' | 'writes'

/** The peer went from one state to another, and what was seen of it until then. */
export interface LivenessChange {
  readonly from: LivenessState
  readonly to: LivenessState
  /** Why it is dead. */
  readonly reason?: VerdictReason
  readonly evidence: Evidence
}

export interface Verdict {
  readonly reason: VerdictReason
  /** The state until now. */
  readonly from: LivenessState
  readonly evidence: Evidence
}

/** What the keepalive engine needs of the connection. Any of these calls may end in `Keepalive.stop()`. */
export interface KeepalivePort {
  /**
   * Sends a probe of this kind, ahead of queued data; undefined where that is not possible now: in a key exchange, with
   * no session open for `channel-request`, where the peer does not offer `ping`.
   * @param taken called once the kernel has taken its last byte; undefined where nobody wants to know
   */
  send(kind: ProbeKind, taken: (() => void) | undefined): SentProbe | undefined
  /** Sends a few bytes that ask for no answer; false where that is not possible now. */
  refresh(): boolean
  /** Bytes accepted for sending that the kernel has not taken. */
  unsentBytes(): number
  /** Since when the kernel has taken none of them; undefined where none wait. */
  stuckSince(): number | undefined
  /** A silent peer is not judged sooner than after `boundMs` more: time in which this process could not listen is not held against it. */
  excused(boundMs: number): void
  /** From alive to suspect, or back. */
  changed(change: LivenessChange): void
  /** Once: the owner tears down. */
  verdict(verdict: Verdict): void
}
