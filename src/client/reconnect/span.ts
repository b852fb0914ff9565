import type { Channel, ChannelSink } from '../../connection/channel.js'
import type { Connection } from '../../connection/connection.js'
import type { GlobalRequestOptions } from '../../connection/global-requests.js'
import type { OpenOptions } from '../../connection/openings.js'
import type { ErrorDetails, HoldfastError } from '../../errors.js'
import type { Keepalive } from '../../liveness/keepalive.js'
import type { Wait, Waits } from '../../liveness/waits.js'
import type { SessionPort } from '../../session/port.js'
import type { Link } from '../link.js'
import { busyMs, nodeEnvironment } from '../node-environment.js'
import { Timing } from '../timing.js'

export interface SpanOptions {
  /** `host:port`. */
  readonly host: string
  /** The limit `reconnect`, in milliseconds. */
  readonly limitMs: number | false
  /** The connection that was lost; undefined before the first. */
  readonly last: Connection | undefined
  readonly keepsRunning: boolean
  /** Why there is no connection, as far as is known now. */
  readonly awayFor: () => HoldfastError | undefined
}

const nothing: readonly Channel[] = []

/**
 * The time from the loss of one connection to the loss of the next. What is called while there is none waits for the one that
 * comes, and all that waits on it is settled when that one is lost.
 */
export class Span implements SessionPort {
  readonly #host: string
  readonly #limitMs: number | false
  readonly #awayFor: () => HoldfastError | undefined
  readonly #timing: Timing
  readonly #waiting = new Set<Wait<Connection>>()
  /** Who wants to know of channels that are gone, before there is a connection that could tell. */
  readonly #channelGone = new Set<(channel: Channel) => void>()
  #link: Link | undefined
  /** The connection that was lost, until there is another: it would keep the ones before it in memory as well. */
  #last: Connection | undefined
  #unlisten: (() => void) | undefined
  #cause: HoldfastError | undefined

  constructor(options: SpanOptions) {
    this.#host = options.host
    this.#limitMs = options.limitMs
    this.#awayFor = options.awayFor
    this.#last = options.last
    this.#timing = new Timing({
      now: () => nodeEnvironment.now(),
      busyMs,
      lastTrafficAt: () => this.#link?.facts.lastTrafficAt() ?? Number.NEGATIVE_INFINITY,
      errorDetails: () => this.errorDetails(),
      limitCause: () => this.awayFor,
      limitReached: (error, what) => this.#link?.facts.limitReached(error, what),
    })
    this.waits.keepRunning(options.keepsRunning)
  }

  get waits(): Waits {
    return this.#timing.waits
  }

  get cause(): HoldfastError | undefined {
    return this.#cause
  }

  get isAway(): boolean {
    return this.#link === undefined
  }

  /** Why there is no connection, as far as is known now; undefined while it is there. */
  get awayFor(): HoldfastError | undefined {
    return this.isAway ? this.#awayFor() : undefined
  }

  /** How many calls wait for the connection. */
  get waiting(): number {
    return this.#waiting.size
  }

  get keepalive(): Keepalive {
    return this.#known.keepalive
  }

  get negotiated(): Connection['negotiated'] {
    return this.#known.negotiated
  }

  get remarks(): Connection['remarks'] {
    return this.#known.remarks
  }

  get channels(): Iterable<Channel> {
    return this.#link?.connection.channels ?? nothing
  }

  get holdsBack(): boolean {
    return this.#link?.connection.holdsBack ?? false
  }

  now(): number {
    return nodeEnvironment.now()
  }

  errorDetails(): ErrorDetails {
    return this.#link?.connection.errorDetails() ?? { host: this.#host, phase: 'reconnect' }
  }

  async open(
    type: string,
    data: Buffer,
    makeSink: (channel: Channel) => ChannelSink,
    options?: OpenOptions,
  ): Promise<Channel> {
    const connection = this.#link?.connection ?? (await this.ready(options?.signal))
    return connection.open(type, data, makeSink, options)
  }

  async globalRequest(name: string, data: Buffer, options?: GlobalRequestOptions): Promise<Buffer> {
    const connection = this.#link?.connection ?? (await this.ready(options?.signal))
    return connection.globalRequest(name, data, options)
  }

  onChannelGone(gone: (channel: Channel) => void): () => void {
    this.#channelGone.add(gone)
    return () => void this.#channelGone.delete(gone)
  }

  keepRunning(keep: boolean): void {
    this.waits.keepRunning(keep)
  }

  /** The connection is there. */
  begin(link: Link): void {
    const { connection } = link
    this.#link = link
    this.#last = undefined
    this.#unlisten = connection.onChannelGone((channel) => {
      for (const gone of [...this.#channelGone]) gone(channel)
    })
    for (const wait of [...this.#waiting]) wait.resolve(connection)
  }

  /** @throws HoldfastError ERR_SSH_TIMEOUT (limit `reconnect`), ERR_SSH_ABORTED, or why there will be no connection */
  async ready(signal: OpenOptions['signal'], spentMs = 0): Promise<Connection> {
    if (this.#cause !== undefined) throw this.#cause
    if (this.#link !== undefined) return this.#link.connection
    const wait = this.waits.start<Connection>({
      limit: 'reconnect',
      limitMs: this.#limitMs,
      spentMs,
      clock: 'call',
      phase: 'reconnect',
      what: 'the connection, which is being made anew,',
      signal,
    })
    this.#waiting.add(wait)
    try {
      return await wait.promise
    } finally {
      this.#waiting.delete(wait)
    }
  }

  /** The connection was lost, or there will be none. */
  end(cause: HoldfastError): void {
    this.#cause ??= cause
    this.#unlisten?.()
    this.waits.drain(this.#cause)
    this.#timing.stop()
  }

  /** What is known of the peer from the last connection holds until there is another. */
  get #known(): Connection {
    const connection = this.#link?.connection ?? this.#last
    if (connection === undefined) throw new RangeError('there has been no connection yet')
    return connection
  }
}
