import type { Ending } from './errors.js'

/** The program's side of a connection: the events of its `Client`. */
export interface PeerOwner {
  /** Tells the listeners; what they throw is the program's own affair. @returns whether there were any */
  tell(event: string, ...args: readonly unknown[]): boolean
  hasListeners(event: string): boolean
  guard(work: () => void): void
  /** Why the connection is over; not told of one that the program destroyed. */
  failed(ending: Ending): void
  /** It is over, and its socket closed. */
  ended(ending: Ending): void
}
