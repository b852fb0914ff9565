import type { Duplex } from 'node:stream'
import { asHoldfastError, detailsOf, type ErrorCode, HoldfastError } from '../errors.js'
import type { Duration } from '../liveness/duration.js'
import type { Liveness } from '../liveness/port.js'
import { nodeEnvironment } from './node-environment.js'

/** What a way needs of the client that it leads through. */
export interface WayClient {
  readonly liveness: Liveness
  readonly keepalive: { send(): Promise<unknown> }
  connectTo(target: Place, options: { readonly signal: AbortSignal | undefined }): Promise<Duplex>
  close(options: { readonly timeout?: Duration | undefined }): Promise<void>
  ref(): unknown
  unref(): unknown
}

interface Place {
  readonly host: string
  readonly port: number
}

export interface WayOptions {
  /** The hop as `host:port`. */
  readonly name: string
  /** One that the program gave is its own to close. */
  readonly isOurs: boolean
  /** How that hop itself is reached. */
  readonly before: Way | undefined
}

/** The way to a host through another one, which may be reached through others again. */
export class Way {
  readonly #client: WayClient
  readonly #options: WayOptions
  /** Since when the hop owes us a sign of life. */
  #askedAt: number | undefined
  #released: Promise<void> | undefined

  constructor(client: WayClient, options: WayOptions) {
    this.#client = client
    this.#options = options
  }

  /** @throws HoldfastError as `connectTo`, naming the hop: this one, or the one before it whose fault it is */
  async open(target: Place, signal: AbortSignal | undefined): Promise<Duplex> {
    const { name } = this.#options
    try {
      return await this.#client.connectTo(target, { signal })
    } catch (error) {
      const cause = asHoldfastError(error)
      const silent = mayBeHops.has(cause.code) ? this.#firstSilent() : undefined
      throw blame(rootOf(cause), cause.hop ?? silent ?? name, `${target.host}:${target.port}`)
    }
  }

  /**
   * Asks every hop for a sign of life. Who is behind a dead hop is as silent as the hop, and may be found out first; by this
   * the two are told apart then.
   */
  ask(): void {
    this.#options.before?.ask()
    if (this.#askedAt === undefined || this.#heardAt > this.#askedAt) this.#askedAt = nodeEnvironment.now()
    // The answer is seen by `liveness`, and a hop that gives none is judged by its own keepalive.
    this.#client.keepalive.send().catch(() => {})
  }

  /** The same error, but naming the hop whose fault it is, if it is none of the target's or of the program's. */
  explain(cause: HoldfastError, target: string): HoldfastError {
    if (cause.code === 'ERR_SSH_ABORTED') return cause
    if (cause.hop !== undefined) return blame(rootOf(cause), cause.hop, target)
    if (cause.host !== undefined && cause.host !== target) return blame(cause, cause.host, target)
    if (!mayBeHops.has(cause.code)) return cause
    const silent = this.#firstSilent()
    return silent === undefined ? cause : blame(cause, silent, target)
  }

  /** Whether the hops by themselves keep the process running. */
  keepRunning(keep: boolean): void {
    if (!this.#options.isOurs) return
    if (keep) this.#client.ref()
    else this.#client.unref()
  }

  /** Nobody goes this way any more: what was opened for it is closed, from the far end on. */
  release(timeout?: Duration): Promise<void> {
    if (!this.#options.isOurs) return Promise.resolve()
    return (this.#released ??= this.#client.close({ timeout }))
  }

  /** Of several the nearest: whatever is behind it is silent with it. */
  #firstSilent(): string | undefined {
    const { before } = this.#options
    const nearer = before === undefined ? undefined : before.#firstSilent()
    return nearer ?? (this.#isSilent ? this.#options.name : undefined)
  }

  get #isSilent(): boolean {
    if (this.#client.liveness.state !== 'alive') return true
    return this.#askedAt !== undefined && this.#heardAt < this.#askedAt
  }

  get #heardAt(): number {
    const { lastHeardMs } = this.#client.liveness
    return lastHeardMs === null ? Number.NEGATIVE_INFINITY : nodeEnvironment.now() - lastHeardMs
  }
}

/** A peer that seems to have failed by these may be well, and only not to be reached. */
const mayBeHops: ReadonlySet<ErrorCode> = new Set(['ERR_SSH_PEER_DEAD', 'ERR_SSH_TIMEOUT', 'ERR_SSH_CONNECTION_LOST'])

/** What became of the hop itself, where the failure has come by several. */
export function rootOf(error: HoldfastError): HoldfastError {
  return error.hop !== undefined && error.cause instanceof HoldfastError ? error.cause : error
}

/** What a hop failed by, as the failure of a connection that went through it. */
export function blame(error: HoldfastError, hop: string, target: string): HoldfastError {
  if (error.code === 'ERR_SSH_ABORTED') return error
  // That the hop was closed is a loss to whoever went through it.
  const code = error.code === 'ERR_SSH_CLOSED' ? 'ERR_SSH_CONNECTION_LOST' : error.code
  const details = { ...detailsOf(error), host: target, hop, cause: error }
  return new HoldfastError(code, `the hop ${hop} on the way to ${target}: ${error.message}`, details)
}
