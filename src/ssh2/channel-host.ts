import type { Deadlines } from '../liveness/deadlines.js'
import type { Waits } from '../liveness/waits.js'

/** What a channel needs of the connection that it is part of. */
export interface ChannelHost {
  readonly waits: Waits
  readonly deadlines: Deadlines
  /** Milliseconds. */
  readonly closeLimitMs: number
  now(): number
  /** Runs what may call listeners of the program: what they throw is the program's own affair. */
  guard(work: () => void): void
  /** Runs it once the end of the connection has been told, where that is over; else at once. */
  afterEnd(work: () => void): void
  /** The `Client`, for programs that look at it. */
  readonly client: object
}
