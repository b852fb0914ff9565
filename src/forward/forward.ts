import { EventEmitter } from 'node:events'
import { asHoldfastError, HoldfastError } from '../errors.js'
import { Deferred } from '../liveness/deferred.js'
import type { Wait } from '../liveness/waits.js'
import { discard } from '../socket/stream.js'
import { endSoon } from './linger.js'
import type { ForwardAddress } from './listen-options.js'
import type { ForwardPort } from './port.js'
import { type Carrier, relay } from './relay.js'
import type { Tunnel } from './tunnel.js'

/** One connection that somebody made to a forward. */
export interface ForwardedConnection {
  /** Who made it, as far as that is known: not with a Unix socket. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
}

export interface ForwardEvents {
  /** Somebody connected, and what they are to reach was reached. */
  connection: [connection: ForwardedConnection]
  /** One connection could not be passed on, or broke off. The forward goes on. */
  failure: [error: HoldfastError, connection: ForwardedConnection]
  /** The server listens again, after the connection was made anew. */
  listening: []
  /** The server would not listen again, and is asked once more in so many milliseconds. */
  refused: [error: HoldfastError, retryMs: number]
  /** It listens no more, and its connections are gone. The reason is that of `closed`. */
  close: [reason: HoldfastError]
}

/** What went through a forward, up to now. */
export interface ForwardStats {
  /** Connections that are open or being made. */
  readonly open: number
  /** Connections that were made to it in all. */
  readonly accepted: number
  /** Those of them that failed. */
  readonly failed: number
  /** Bytes that went to what the forward leads to. */
  readonly bytesSent: number
  /** Bytes that came from there. */
  readonly bytesReceived: number
}

/** How a forward is made. */
export interface ForwardSetup {
  readonly port: Pick<ForwardPort, 'waits' | 'deadlines' | 'now' | 'errorDetails'>
  readonly address: ForwardAddress
  readonly signal: AbortSignal | undefined
  /** Gives the place up. Never rejects. */
  stop(): Promise<void> | void
}

/** Finds what a connection is for, and ends the search where nobody waits for it any more. */
export type Reach = (signal: AbortSignal) => Promise<Carrier>

/** One connection, and what it is passed on to once that was reached. */
interface Passage {
  readonly near: Carrier
  far?: Carrier
}

/** A place at which connections come in, each of which is passed on. It lasts until it is closed, or the SSH client is. */
export class Forward extends EventEmitter<ForwardEvents> implements AsyncDisposable {
  /** Where it listens. */
  readonly address: ForwardAddress
  readonly #setup: ForwardSetup
  readonly #closed = new Deferred<HoldfastError>()
  /** Ends with its cause: the SSH connection, the signal, or `close()`. */
  readonly #life: Wait<never>
  readonly #open = new Set<Passage>()
  #accepted = 0
  #failed = 0
  #bytesSent = 0
  #bytesReceived = 0
  #stopping: Promise<void> | undefined
  #isAway = false

  /** @internal */
  constructor(setup: ForwardSetup) {
    super()
    this.address = setup.address
    this.#setup = setup
    this.#life = setup.port.waits.start({
      limit: 'timeout',
      limitMs: false,
      clock: 'call',
      phase: 'ready',
      what: 'the end of the forward',
      signal: setup.signal,
      isAwaited: false,
    })
    this.#life.promise.catch((cause: unknown) => this.#end(asHoldfastError(cause)))
  }

  /** Whether anybody can connect: not where it is closed, nor where the server has yet to be asked again after a loss. */
  get listening(): boolean {
    return this.#life.pending && !this.#isAway
  }

  /** How many connections are open, or being made. */
  get connections(): number {
    return this.#open.size
  }

  /** Resolves with the reason once it listens no more: ERR_SSH_CLOSED after `close()`. Never rejects. */
  get closed(): Promise<HoldfastError> {
    return this.#closed.promise
  }

  stats(): ForwardStats {
    const open = [...this.#open]
    const sum = (name: 'bytesRead' | 'bytesWritten') => open.reduce((total, { far }) => total + (far?.[name] ?? 0), 0)
    return {
      open: open.length,
      accepted: this.#accepted,
      failed: this.#failed,
      bytesSent: this.#bytesSent + sum('bytesWritten'),
      bytesReceived: this.#bytesReceived + sum('bytesRead'),
    }
  }

  /**
   * Listens no more, and ends its connections at once. Resolves when the place is free again; where the server has to give it
   * up and does not answer, after the limit `channelClose`, 2 s. Never rejects, and may be called again.
   */
  async close(): Promise<void> {
    const details = { ...this.#setup.port.errorDetails(), phase: 'close' } as const
    this.#life.reject(new HoldfastError('ERR_SSH_CLOSED', 'the forward was closed', details))
    await this.#closed.promise
    await this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The same, but its connections go on: from now on they are whose they were given to. @internal */
  stop(): Promise<void> {
    this.#open.clear()
    return this.close()
  }

  /** Passes on a connection that somebody made. Never rejects. @internal */
  async carry(near: Carrier, reach: Reach): Promise<void> {
    const { remoteAddress, remotePort } = 'remotePort' in near ? near : {}
    const connection = { remoteAddress, remotePort }
    if (!this.#life.pending) {
      discard(near)
      return
    }
    this.#accepted++
    const passage: Passage = { near }
    this.#open.add(passage)
    near.on('error', () => {})
    const gone = new AbortController()
    const left = () => gone.abort(near.errored)
    near.once('close', left)
    try {
      const far = await reach(gone.signal)
      near.off('close', left)
      this.#join(passage, far, connection)
    } catch (error) {
      // Where it was told why, that goes out first.
      if (near.writableEnded) endSoon(near, this.#setup.port)
      else discard(near)
      if (near.closed) this.#open.delete(passage)
      else near.once('close', () => this.#open.delete(passage))
      if (this.#life.pending) this.failed(error, connection)
    }
  }

  /** Gives a connection that somebody made to the program. @internal */
  handOver(near: Tunnel, take: (connection: Tunnel) => unknown): void {
    if (!this.#life.pending) {
      discard(near)
      return
    }
    const { remoteAddress, remotePort } = near
    this.#accepted++
    const passage: Passage = { near }
    this.#open.add(passage)
    near.once('close', () => {
      // What goes to the program is what came through the forward.
      this.#bytesSent += near.bytesRead
      this.#bytesReceived += near.bytesWritten
      this.#open.delete(passage)
    })
    // Later: this runs while packets are handled, and what the program throws is its own affair.
    queueMicrotask(() => {
      this.#tell('connection', { remoteAddress, remotePort })
      give(near, take)
    })
  }

  /** The server listens no more: the connection to it was lost. @internal */
  away(): void {
    this.#isAway = true
  }

  /** The server listens again. @internal */
  back(): void {
    this.#isAway = false
    this.#tell('listening')
  }

  /** The server was asked to listen again, and did not. @internal */
  refused(error: HoldfastError, retryMs: number): void {
    this.#tell('refused', error, retryMs)
  }

  /** One connection failed. @internal */
  failed(error: unknown, connection: ForwardedConnection): void {
    this.#failed++
    this.#tell('failure', asForwardError(error), connection)
  }

  #join(passage: Passage, far: Carrier, connection: ForwardedConnection): void {
    const { near } = passage
    far.on('error', () => {})
    passage.far = far
    const over = () => {
      if (near.closed && far.closed) this.#over(passage, far, connection)
    }
    near.once('close', over)
    far.once('close', over)
    if (near.destroyed || !this.#life.pending) for (const side of [near, far]) discard(side)
    if (near.closed) {
      over()
      return
    }
    relay(near, far, this.#setup.port)
    this.#tell('connection', connection)
  }

  #over(passage: Passage, far: Carrier, connection: ForwardedConnection): void {
    // Both may have closed by the time the first of them says so.
    if (!this.#open.delete(passage)) return
    this.#bytesSent += far.bytesWritten
    this.#bytesReceived += far.bytesRead
    const error = far.errored ?? passage.near.errored
    if (error !== null && this.#life.pending) this.failed(error, connection)
  }

  #end(cause: HoldfastError): void {
    this.#stopping = Promise.resolve(this.#setup.stop())
    for (const { near, far } of this.#open) {
      discard(near)
      if (far !== undefined) discard(far)
    }
    this.#closed.resolve(cause)
    this.#tell('close', cause)
  }

  /** What a listener throws is the program's to see, as an uncaught exception, and must reach nothing of ours. */
  #tell<Name extends keyof ForwardEvents>(name: Name, ...args: ForwardEvents[Name]): void {
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node's types do not resolve for a generic name
      this.emit(name, ...(args as never))
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

/** A program that fails leaves nobody waiting; what it throws, or rejects with, is its own to see, as uncaught. */
function give(near: Tunnel, take: (connection: Tunnel) => unknown): void {
  const failed = (error: unknown): never => {
    discard(near)
    throw error
  }
  try {
    // Whatever has a `then` may fail later: promises of other libraries are none of Node's.
    Promise.resolve(take(near)).catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** What a socket of this machine reports is no error of ours yet. */
function asForwardError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new HoldfastError('ERR_SSH_FORWARD', `a connection through the forward broke off: ${text}`, {
    phase: 'ready',
    cause: error,
  })
}
