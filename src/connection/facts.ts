import { type AboutConnection, diagnostics } from '../diagnostics.js'
import type { ErrorDetails, Evidence, HoldfastError } from '../errors.js'
import type { WaitsEnvironment } from '../liveness/waits.js'

/** Counts the connections of this process. */
let connections = 0

/** Who knows what was seen of the peer: the keepalive. */
export interface Witness {
  evidence(now: number): Evidence
}

/** What is known of one connection and shared by its parts: errors say it, and reply clocks run by it. */
export class Facts implements WaitsEnvironment {
  /** Which connection this is about, in events that leave the library. */
  readonly about: AboutConnection
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number
  readonly busyMs: (now: number) => number
  /** When what is read at present came. */
  readAt = Number.NEGATIVE_INFINITY
  #trafficAt = Number.NEGATIVE_INFINITY
  #witness: Witness | undefined

  /** @param host whom we talk to, as errors are to say it */
  constructor(now: () => number, host: string, busyMs: (now: number) => number = () => 0) {
    this.now = now
    this.busyMs = busyMs
    connections++
    this.about = { connection: connections, host }
  }

  lastTrafficAt(): number {
    return this.#trafficAt
  }

  /** A message came that a reply may have had to wait behind. */
  traffic(): void {
    this.#trafficAt = this.readAt
  }

  /** Who is asked for evidence, once there is somebody. */
  witness(witness: Witness): void {
    this.#witness = witness
  }

  limitReached({ limit, limitMs, elapsedMs }: HoldfastError, what: string): void {
    if (limit === undefined || limitMs === undefined) return
    diagnostics.limit(() => ({ ...this.about, limit, limitMs, elapsedMs: elapsedMs ?? limitMs, what }))
  }

  errorDetails(): ErrorDetails {
    const evidence = this.#witness?.evidence(this.now())
    return { host: this.about.host, ...(evidence === undefined ? {} : { evidence }) }
  }
}
