import type { ErrorDetails, Evidence } from '../errors.js'
import type { WaitsEnvironment } from '../liveness/waits.js'

/** What is known of one connection and shared by its parts: errors say it, and reply clocks run by it. */
export class Facts implements WaitsEnvironment {
  readonly #now: () => number
  readonly #host: string
  #trafficAt = Number.NEGATIVE_INFINITY
  #evidence: (() => Evidence) | undefined

  /** @param host whom we talk to, as errors are to say it */
  constructor(now: () => number, host: string) {
    this.#now = now
    this.#host = host
  }

  now(): number {
    return this.#now()
  }

  lastTrafficAt(): number {
    return this.#trafficAt
  }

  /** A message came that a reply may have had to wait behind. */
  traffic(): void {
    this.#trafficAt = this.#now()
  }

  /** Who is asked for evidence, once there is somebody. */
  witness(evidence: () => Evidence): void {
    this.#evidence = evidence
  }

  errorDetails(): ErrorDetails {
    const evidence = this.#evidence?.()
    return { host: this.#host, ...(evidence === undefined ? {} : { evidence }) }
  }
}
