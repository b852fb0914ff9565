import type { HoldfastError } from '../errors.js'
import type { LivenessChange } from '../liveness/port.js'

/** What the connection asks of whoever holds its stream. None of these may throw. */
export interface ConnectionHost {
  /** There is something to write: said once, until it is taken, which is not to be within this call. */
  writable(): void
  /** No more will be written: the peer is to be told by FIN. */
  finish(): void
  /**
   * Whether what the stream took arrives although it is destroyed then, as the system sees to for its sockets.
   * @default it does not
   */
  delivers?(): boolean
  /** The end of the stream, at once: `farewell` hands over first what is there to write, `reset` nothing. */
  destroy(how: 'farewell' | 'reset'): void
  livenessChanged(change: LivenessChange): void
  /** Keys have been exchanged, for the first time or anew. */
  keysExchanged?(): void
  /** What the cause of the end is seen from outside: a stream may know better why it went silent. */
  explain?(cause: HoldfastError): HoldfastError
  /** Everything has been settled. */
  ended(cause: HoldfastError): void
}
