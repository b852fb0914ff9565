import type { Link } from '../client/link.js'
import type { Deadlines } from '../liveness/deadlines.js'
import type { Waits } from '../liveness/waits.js'

/** When functions of the program are called. */
interface Turns {
  /** Runs what may call listeners of the program: what they throw is the program's own affair. */
  guard(work: () => void): void
  /** Runs it once the end of the connection has been told, where that is over; else at once. */
  afterEnd(work: () => void): void
}

/** What a channel needs of the connection that it is part of. */
export interface ChannelHost extends Turns {
  readonly waits: Waits
  readonly deadlines: Deadlines
  /** Milliseconds. */
  readonly closeLimitMs: number
  now(): number
  /** The `Client`, for programs that look at it. */
  readonly client: object
}

export function channelHostOf({ connection, settings }: Link, client: object, turns: Turns): ChannelHost {
  const { waits, deadlines } = connection
  return {
    waits,
    deadlines,
    client,
    closeLimitMs: settings.limits.channelClose,
    now: () => connection.now(),
    guard: (work) => turns.guard(work),
    afterEnd: (work) => turns.afterEnd(work),
  }
}
