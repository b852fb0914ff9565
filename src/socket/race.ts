import type net from 'node:net'
import { HoldfastError } from '../errors.js'
import type { Deadline, Deadlines } from '../liveness/deadlines.js'
import type { Wait, Waits } from '../liveness/waits.js'
import { printable } from '../wire/printable.js'
import type { Address } from './resolve.js'

/** RFC 8305 section 8: the Connection Attempt Delay. */
const staggerMs = 250

export interface RaceOptions {
  /** The name that the addresses belong to, for texts. */
  readonly host: string
  readonly port: number
  /** Milliseconds of the limit `tcp`, for each address by itself. */
  readonly limitMs: number | false
  readonly signal?: AbortSignal | undefined
  /** As of every wait. @default true */
  readonly isAwaited?: boolean | undefined
  /** A socket that begins to connect to the address. It does not throw: what can be wrong was checked before. */
  connect(address: Address): net.Socket
}

export interface RaceContext {
  readonly waits: Waits
  readonly deadlines: Deadlines
  now(): number
}

/**
 * Connects to the first address that answers (Happy Eyeballs, RFC 8305): one socket an address, started 250 ms apart,
 * or at once when an earlier one failed. No attempt is ended before its own limit but by a winner, an abort or the
 * teardown. Node's own `autoSelectFamily` ends each attempt but the last after 250 ms.
 *
 * The socket has no listener of ours left: the caller adds its own `error` listener before it awaits anything else.
 * @throws HoldfastError ERR_SSH_CONNECT, ERR_SSH_TIMEOUT (limit `tcp`, the only address), ERR_SSH_ABORTED
 */
export function race(addresses: readonly Address[], options: RaceOptions, context: RaceContext): Promise<net.Socket> {
  return new Race(addresses, options, context).run()
}

interface Attempt {
  readonly socket: net.Socket
  /** Settles when the attempt is over, one way or the other. */
  readonly wait: Wait<void>
}

class Race {
  readonly #options: RaceOptions
  readonly #context: RaceContext
  readonly #waiting: Address[]
  readonly #attempts = new Set<Attempt>()
  readonly #failures: Error[] = []
  /** The winner, or nothing when every address failed. */
  readonly #outcome: Wait<net.Socket | undefined>
  #stagger: Deadline | undefined

  constructor(addresses: readonly Address[], options: RaceOptions, context: RaceContext) {
    this.#options = options
    this.#context = context
    this.#waiting = [...addresses]
    this.#outcome = context.waits.start({
      limit: 'tcp',
      limitMs: false,
      clock: 'call',
      phase: 'tcp',
      what: `a TCP connection to ${printable(options.host)} port ${options.port}`,
      signal: options.signal,
      isAwaited: options.isAwaited ?? true,
    })
  }

  async run(): Promise<net.Socket> {
    try {
      this.#next()
      const winner = await this.#outcome.promise
      if (winner === undefined) throw failure(this.#failures, this.#options)
      winner.off('error', ignore)
      if (winner.destroyed) throw failure([winner.errored ?? new Error('the connection was closed')], this.#options)
      return winner
    } finally {
      this.#end()
    }
  }

  #next(): void {
    this.#stagger?.cancel()
    if (!this.#outcome.pending) return
    const address = this.#waiting.shift()
    if (address !== undefined) this.#try(address)
    else if (this.#attempts.size === 0) this.#outcome.resolve(undefined)
    if (this.#waiting.length > 0) this.#stagger = this.#later(() => this.#next())
  }

  #later(callback: () => void): Deadline {
    return this.#context.deadlines.add(this.#context.now() + staggerMs, callback)
  }

  #try(address: Address): void {
    const { port, limitMs, isAwaited = true } = this.#options
    const wait = this.#context.waits.start<void>({
      limit: 'tcp',
      limitMs,
      clock: 'peer',
      phase: 'tcp',
      what: `a TCP connection to ${address.address} port ${port}`,
      isAwaited,
    })
    const socket = this.#options.connect(address)
    const attempt = { socket, wait }
    this.#attempts.add(attempt)
    // It stays while ours is the only interest in the socket: an error without a listener is thrown.
    socket.on('error', ignore)
    const failed = (error: Error) => wait.reject(error)
    socket.once('error', failed)
    socket.once('connect', () => {
      socket.off('error', failed)
      this.#won(attempt)
    })
    wait.promise.catch((error: unknown) => this.#failed(attempt, error))
  }

  /** Losers go at once, not a microtask later: no byte of theirs may reach an `onread` that all sockets share. */
  #won(attempt: Attempt): void {
    this.#attempts.delete(attempt)
    attempt.wait.resolve()
    if (this.#outcome.pending) this.#outcome.resolve(attempt.socket)
    else attempt.socket.destroy()
    this.#end()
  }

  #failed(attempt: Attempt, error: unknown): void {
    this.#attempts.delete(attempt)
    attempt.socket.destroy()
    this.#failures.push(error instanceof Error ? error : new Error(String(error)))
    this.#next()
  }

  #end(): void {
    this.#stagger?.cancel()
    for (const { socket, wait } of this.#attempts) {
      socket.destroy()
      wait.resolve()
    }
    this.#attempts.clear()
  }
}

function ignore(): void {}

/** One address gives its own error; several give one that lists each. Made where it is awaited, for the caller's stack. */
function failure(failures: readonly Error[], { host, port }: RaceOptions): HoldfastError {
  const [only] = failures
  if (failures.length === 1 && only instanceof HoldfastError) return only
  const reasons = failures.map((error) => error.message).join('; ')
  const message = failures.length === 1 ? reasons : `no address of ${printable(host)} accepts port ${port}: ${reasons}`
  const cause = failures.length === 1 ? only : new AggregateError(failures, reasons)
  return new HoldfastError('ERR_SSH_CONNECT', message, { phase: 'tcp', host, cause })
}
