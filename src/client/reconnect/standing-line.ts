import { diagnostics, type ReconnectMessage } from '../../diagnostics.js'
import { asHoldfastError, HoldfastError } from '../../errors.js'
import type { ForwardPort } from '../../forward/port.js'
import { Tunnels } from '../../forward/tunnels.js'
import { runAll } from '../../liveness/deadlines.js'
import { Deferred } from '../../liveness/deferred.js'
import type { Sessions } from '../../session/sessions.js'
import { type ClientState, type Line, type LineEvents, sessionsOn } from '../line.js'
import { Link } from '../link.js'
import { busyMs, nodeEnvironment } from '../node-environment.js'
import type { Settings } from '../settings.js'
import type { ReconnectStats } from '../stats.js'
import { Timing } from '../timing.js'
import type { Way } from '../way.js'
import type { ReconnectSettings } from './options.js'
import { Redial } from './redial.js'
import { Span } from './span.js'
import { standingPort } from './standing-port.js'

/** Opens the way to the host anew, where it leads through others. */
export type OpenWay = (signal: AbortSignal) => Promise<Way | undefined>

interface StandingLineOptions {
  readonly settings: Settings
  readonly reconnect: ReconnectSettings
  readonly openWay: OpenWay
}

/** One connection after another: where one is lost the next is made. It ends by `close()`, by the signal, or when that fails. */
export class StandingLine implements Line {
  readonly #events: LineEvents
  readonly #openWay: OpenWay
  readonly #timing: Timing
  readonly #redial: Redial
  readonly #closed = new Deferred<HoldfastError>()
  readonly #port: ForwardPort
  /** Ends the making of the first connection. */
  readonly #first = new AbortController()
  readonly #settings: Settings
  #link: Link | undefined
  /** The one that is being made. */
  #opening: Link | undefined
  #span: Span
  #sessions: Sessions | undefined
  #tunnels: Tunnels | undefined
  #dialing: Promise<void> | undefined
  #cause: HoldfastError | undefined
  #isClosing = false
  #keepsRunning = true
  #connections = 0
  #unlisten: (() => void) | undefined

  constructor({ settings, reconnect, openWay }: StandingLineOptions, events: LineEvents) {
    this.#settings = settings
    this.#events = events
    this.#openWay = openWay
    this.#timing = new Timing({
      now: () => nodeEnvironment.now(),
      busyMs,
      lastTrafficAt: () => this.#link?.facts.lastTrafficAt() ?? Number.NEGATIVE_INFINITY,
      errorDetails: () => this.#span.errorDetails(),
    })
    this.#span = this.#newSpan()
    this.#port = standingPort(this.#timing, () => this.#span)
    const { deadlines, waits } = this.#timing
    this.#redial = new Redial(reconnect, {
      environment: nodeEnvironment,
      deadlines,
      waits,
      dial: (signal) => this.#dial(signal),
      planned: (planned) => {
        const { attempt, delayMs, cause: error } = planned
        this.#publish({ event: 'planned', attempt, delayMs, error })
        events.planned(planned)
      },
      connected: (reconnection) => {
        this.#publish({ event: 'connected', attempt: reconnection.attempt })
        events.connected(reconnection)
      },
      givenUp: (error, attempt) => {
        this.#publish({ event: 'given-up', attempt, error })
        this.#end(error)
      },
      errorDetails: () => this.#span.errorDetails(),
    })
  }

  get link(): Link {
    if (this.#link === undefined) throw new RangeError('the line has not been opened')
    return this.#link
  }

  get state(): ClientState {
    if (this.#cause !== undefined || this.#isClosing) return 'closed'
    return this.#isAway ? 'reconnecting' : 'connected'
  }

  get closed(): Promise<HoldfastError> {
    return this.#closed.promise
  }

  get port(): Span {
    return this.#span
  }

  get sessions(): Sessions {
    return (this.#sessions ??= sessionsOn(this.#span, this.#settings, () => this.link))
  }

  /** They outlast the connections that they run on. */
  get tunnels(): Tunnels {
    return (this.#tunnels ??= new Tunnels(this.#port, this.#settings.limits))
  }

  get reconnect(): ReconnectStats {
    const { attempt } = this.#redial
    return { state: this.state, attempt, connections: this.#connections, waiting: this.#span.waiting }
  }

  async ready(signal: AbortSignal | undefined, spentMs: number): Promise<void> {
    await this.#span.ready(signal, spentMs)
  }

  async open(): Promise<void> {
    this.#watchSignal()
    try {
      await this.#openLink({ ...this.#settings, signal: this.#first.signal }, true)
    } catch (error) {
      this.#end(asHoldfastError(error))
      throw error
    }
  }

  async close(limitMs: number): Promise<void> {
    this.#isClosing = true
    if (this.#isAway) {
      const details = { ...this.#span.errorDetails(), phase: 'close' } as const
      this.#end(new HoldfastError('ERR_SSH_CLOSED', 'the client was closed', details))
      await this.#dialing?.catch(() => {})
    }
    const closing = this.link.close(limitMs)
    const { cause } = this.link.connection
    if (cause !== undefined) this.#settle(cause)
    await closing
  }

  keepRunning(keep: boolean): void {
    this.#keepsRunning = keep
    this.#timing.waits.keepRunning(keep)
    this.#span.keepRunning(keep)
    this.#opening?.keepRunning(keep)
    this.link.keepRunning(keep)
  }

  get #isAway(): boolean {
    return this.#redial.attempt > 0
  }

  #dial(signal: AbortSignal): Promise<void> {
    this.#dialing = this.#openAnew(signal)
    return this.#dialing
  }

  async #openAnew(signal: AbortSignal): Promise<void> {
    const via = await this.#openWay(signal)
    await this.#openLink({ ...this.#settings, via, signal, spentMs: 0 }, false)
  }

  async #openLink(settings: Settings, isAwaited: boolean): Promise<void> {
    const link: Link = new Link(settings, {
      livenessChanged: (change) => this.#events.livenessChanged(change),
      banner: (text) => this.#events.banner(text),
      globalRequest: (name, data) => this.#events.globalRequest(name, data, link),
      channelOpen: (type, data) => this.tunnels.channelOpen(type, data),
      ended: (cause) => {
        if (link === this.#link) this.#lost(cause)
      },
    })
    this.#opening = link
    link.keepRunning(this.#keepsRunning)
    try {
      await link.open({ isAwaited })
    } finally {
      this.#opening = undefined
    }
    // It may have been lost before we hear that it was made.
    if (link.connection.cause !== undefined) throw link.connection.cause
    this.#keepAsBefore(link)
    this.#link = link
    this.#connections++
    this.#span.begin(link)
    this.sessions.openAhead()
    this.#tunnels?.back()
  }

  /** As the program has changed it on the connection before. */
  #keepAsBefore(link: Link): void {
    const keepalive = this.#link?.connection.keepalive.settings ?? this.#settings.keepalive
    if (keepalive === this.#settings.keepalive) return
    link.connection.configureKeepalive(keepalive)
    link.setTcpKeepalive(keepalive.tcp)
  }

  #lost(cause: HoldfastError): void {
    this.#span.end(cause)
    // It was made in the very moment in which the client ended.
    if (this.#cause !== undefined) return
    this.#span = this.#newSpan()
    this.#sessions = undefined
    this.#tunnels?.away()
    if (this.#isClosing) this.#end(cause)
    else this.#redial.lost(cause)
  }

  /** For good. */
  #end(cause: HoldfastError): void {
    if (this.#cause !== undefined) return
    this.#cause = cause
    this.#redial.stop()
    runAll([
      () => this.#unlisten?.(),
      () => this.#settle(cause),
      () => this.#timing.stop(),
      () => this.#closed.resolve(cause),
      () => this.#events.ended(cause),
    ])
  }

  #publish(message: Omit<ReconnectMessage, 'host'>): void {
    const { host, port } = this.#settings
    diagnostics.reconnect(() => ({ host: `${host}:${port}`, ...message }))
  }

  #settle(cause: HoldfastError): void {
    this.#span.end(cause)
    this.#timing.waits.drain(cause)
  }

  #watchSignal(): void {
    const { signal } = this.#settings
    if (signal === undefined) return
    if (signal.aborted) this.#first.abort(signal.reason)
    else this.#unlisten = this.#timing.waits.onAbort(signal, (reason) => this.#aborted(reason))
  }

  #aborted(reason: unknown): void {
    const details = { ...this.#span.errorDetails(), cause: reason }
    const error = new HoldfastError('ERR_SSH_ABORTED', 'the client was ended by its signal', details)
    if (this.#link === undefined) this.#first.abort(reason)
    else if (this.#isAway) this.#end(error)
    else this.#link.end(error)
  }

  #newSpan(): Span {
    const { host, port, limits } = this.#settings
    return new Span({
      host: `${host}:${port}`,
      limitMs: limits.reconnect,
      last: this.#link?.connection,
      keepsRunning: this.#keepsRunning,
      awayFor: () => this.#redial.failure,
    })
  }
}
