import process from 'node:process'
import { HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import { optionError } from '../session/option-error.js'
import { ChannelStream } from './channel-stream.js'
import { IdleTimer } from './idle-timer.js'
import type { TunnelSettings } from './options.js'
import type { ForwardPort } from './port.js'

export interface TunnelContext extends TunnelSettings {
  readonly port: Pick<ForwardPort, 'waits' | 'deadlines' | 'now' | 'errorDetails'>
  /** Where it leads, for a person. */
  readonly name: string
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

/**
 * A connection that the server makes for us, or passes on to us. It can be used where a program takes a stream or an open
 * socket: `end()` is EOF, and the other direction goes on; `destroy()` is CLOSE. It ends with the SSH connection, with its
 * cause.
 */
export class Tunnel extends ChannelStream {
  /** The host that it leads to, as it was named; undefined for a Unix socket. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** It is handed out connected. */
  readonly connecting = false
  readonly #context: TunnelContext
  readonly #timeout: IdleTimer
  readonly #idle: IdleTimer
  #unlisten: (() => void) | undefined
  /** Keeps the process running. */
  #hold: Wait<void> | undefined

  /** @internal */
  constructor(context: TunnelContext) {
    super()
    const { port, remoteAddress, remotePort } = context
    this.#context = context
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    // Later, since a listener of the program runs then, and this runs among the deadlines of the connection.
    this.#timeout = new IdleTimer(port, () => process.nextTick(() => this.emit('timeout')))
    this.#idle = new IdleTimer(port, () => this.#idledOut())
  }

  /** The channel is open, and the limits of the tunnel hold from now on. @internal */
  override attach(...[channel]: Parameters<ChannelStream['attach']>): ReturnType<ChannelStream['attach']> {
    const { signal, idleMs, port } = this.#context
    if (idleMs !== false) this.#idle.start(idleMs)
    if (signal !== undefined) this.#unlisten = port.waits.onAbort(signal, (reason) => this.#abort(reason))
    return super.attach(channel)
  }

  /** Milliseconds of inactivity after which it emits `timeout`; undefined where there are none. */
  get timeout(): number | undefined {
    return this.#timeout.limitMs
  }

  /** As a socket's: emits `timeout` after so many milliseconds without a byte in either direction, and ends nothing. 0: never. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (!(Number.isFinite(milliseconds) && milliseconds >= 0))
      throw optionError('timeout', 'must be milliseconds, or 0')
    if (milliseconds === 0 || this.destroyed) this.#timeout.stop()
    else this.#timeout.start(milliseconds)
    if (listener === undefined) return this
    return milliseconds === 0 ? this.off('timeout', listener) : this.once('timeout', listener)
  }

  /** Changes nothing: a tunnel never holds small pieces back. */
  setNoDelay(_noDelay?: boolean): this {
    return this
  }

  /** Changes nothing: the keepalive of the SSH connection watches over all that runs on it. */
  setKeepAlive(_enable?: boolean, _initialDelay?: number): this {
    return this
  }

  /**
   * Is connected already; emits `connect` on the next tick for whoever waits for that. Who calls it takes it for a new socket,
   * and so it ends as that does: `allowHalfOpen` is false from now on.
   */
  connect(..._place: readonly unknown[]): this {
    this.allowHalfOpen = false
    process.nextTick(() => {
      if (!this.destroyed) this.emit('connect')
    })
    return this
  }

  /** Keeps the process running while it is open, also where the client was told by `unref()` not to. */
  ref(): this {
    if (this.#hold !== undefined || this.destroyed) return this
    this.#hold = this.#context.port.waits.start<void>({
      limit: 'timeout',
      limitMs: false,
      clock: 'call',
      phase: 'ready',
      what: 'the end of the tunnel',
    })
    this.#hold.promise.catch(() => {})
    return this
  }

  /** Takes `ref()` back: whether the process goes on is again the client's to say. */
  unref(): this {
    this.#hold?.resolve()
    this.#hold = undefined
    return this
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#unlisten?.()
    this.#idle.stop()
    this.#timeout.stop()
    this.unref()
    // As a socket does. Who has TLS on it would else hear `close` before the error of TLS, which comes one turn later.
    const close = (cause?: Error | null): void => void setImmediate(done, cause)
    super._destroy(error, error === null ? close : done)
  }

  protected override moved(): void {
    this.#idle.touch()
    this.#timeout.touch()
  }

  #idledOut(): void {
    const { port, name, idleMs } = this.#context
    if (idleMs === false) return
    const message = `no byte moved through the tunnel to ${name} within the limit idleTimeout of ${idleMs} ms`
    const limit = { limit: 'idleTimeout', limitMs: idleMs, elapsedMs: idleMs } as const
    this.destroy(new HoldfastError('ERR_SSH_TIMEOUT', message, { ...port.errorDetails(), phase: 'ready', ...limit }))
  }

  #abort(cause: unknown): void {
    const { port, name } = this.#context
    const details = { ...port.errorDetails(), phase: 'ready', cause } as const
    this.destroy(new HoldfastError('ERR_SSH_ABORTED', `the tunnel to ${name} was aborted by its signal`, details))
  }
}
