import type { ErrorDetails } from '../errors.js'
import type { Waits } from '../liveness/waits.js'

/** The service that authentication itself is, and the one it opens: RFC 4252 sections 4 and 5. */
export const userauthService = 'ssh-userauth'
export const connectionService = 'ssh-connection'

/** What authentication, in either role, needs of the connection below it. */
export interface AuthPort {
  /** @param taken called once the kernel has taken its last byte; never after the connection ended */
  send(payload: Buffer, taken?: () => void): void
  /** The exchange hash of this connection's first key exchange: RFC 4253 section 7.2. It never changes. */
  sessionId(): Buffer
  /**
   * The signature algorithms that the peer's EXT_INFO lists, once it came: RFC 8308 section 3.1.
   * @throws HoldfastError ERR_SSH_PROTOCOL when they are no name-list
   */
  serverSigAlgs(): readonly string[] | undefined
  readonly waits: Waits
  /** The peer took so many milliseconds for an answer, its own thinking included. */
  answered(tookMs: number): void
  /** What every error of this connection says: host, evidence. */
  errorDetails(): ErrorDetails
}

/** Milliseconds, or false for none. */
export interface AuthLimits {
  /** The peer's own time in all; what a person or an agent takes is not counted. */
  readonly authentication: number | false
  /** One request to an agent. */
  readonly agent: number | false
  /** One form that a person fills in, or one touch of a key. */
  readonly prompt: number | false
}
