import type { Probe } from '../plan.js'

/** A message of the client's that wants an answer. */
export interface Question {
  /** Which of our probes it is, if any. */
  readonly probe: Probe | undefined
  /** What it carries, where it is a global request of the program. */
  readonly data: string
  readonly askedAt: number
  /** Since when the client may have had it at hand: a key exchange holds back what it is given. */
  readonly calledFrom: number
  /** When the client's kernel had taken its last byte, and when its answer was read. */
  takenAt: number | undefined
  answeredAt: number | undefined
  /** A PING that meets a key exchange is void: OpenSSH drops it. */
  isVoid: boolean
}
