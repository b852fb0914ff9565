import { HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'

/** One answer that the peer owes us, in line. */
export interface OwedReply {
  readonly sentAt: number
  succeeded(): void
  refused(): void
  /** The channel ended first. */
  dropped(): void
}

/** The answer to a request for which a caller waits. */
export class AskedReply implements OwedReply {
  readonly sentAt: number
  readonly #type: string
  readonly #wait: Wait<void>

  constructor(type: string, wait: Wait<void>, sentAt: number) {
    this.#type = type
    this.#wait = wait
    this.sentAt = sentAt
  }

  succeeded(): void {
    this.#wait.resolve()
  }

  refused(): void {
    this.#wait.reject(refusedError(this.#type))
  }

  dropped(): void {
    this.#wait.reject(endedError(this.#type))
  }
}

function refusedError(type: string): HoldfastError {
  return new HoldfastError('ERR_SSH_REQUEST_REFUSED', `the peer refused the ${type} request`, { phase: 'request' })
}

export function endedError(type: string): HoldfastError {
  const message = `the channel ended before the ${type} request was answered`
  return new HoldfastError('ERR_SSH_CHANNEL_CLOSED', message, { phase: 'request' })
}
