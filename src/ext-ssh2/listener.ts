import type { Forward } from '../forward/forward.js'
import type { Tunnel } from '../forward/tunnel.js'
import { Deferred } from '../liveness/deferred.js'
import { orFalse } from './answer.js'
import { intArgument, stringArgument, wrongType } from './arguments.js'
import type { Peer } from './peer.js'
import { onClient, peerOf, type Ssh2Session } from './session.js'
import { register } from './stream-state.js'

/** libssh2's own. */
const maxQueued = 16

/** Where the server listens for a program: PHP's resource `SSH2 Listener`. */
export class Ssh2Listener {
  /** As PHP's `get_resource_type()`. */
  get [Symbol.toStringTag](): string {
    return 'SSH2 Listener'
  }
}

/** Connections that came and that nobody has accepted. */
class Backlog {
  readonly session: Ssh2Session
  readonly peer: Peer
  readonly #most: number
  readonly #waiting: Tunnel[] = []
  #forward: Forward | undefined
  readonly #watchers = new Set<() => void>()

  constructor(session: Ssh2Session, peer: Peer, most: number) {
    this.session = session
    this.peer = peer
    this.#most = most
  }

  get forward(): Forward | undefined {
    return this.#forward
  }

  get isListening(): boolean {
    return this.#forward?.listening ?? false
  }

  /** Whether `ssh2_forward_accept()` has something to give. */
  get isReady(): boolean {
    return this.#next() !== undefined
  }

  /** Calls back when a connection comes, or none comes any more. @returns the way out */
  onChange(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  begin(forward: Forward): void {
    this.#forward = forward
    forward.once('close', () => this.#tell())
  }

  came(connection: Tunnel): void {
    if (!this.isListening || this.#waiting.length >= this.#most) connection.destroy()
    else this.#waiting.push(connection)
    this.#tell()
  }

  /** @throws HoldfastError why it listens no more, and the reason of the signal */
  async accept(signal: AbortSignal): Promise<Tunnel> {
    for (;;) {
      // Before it takes one: whoever waits next is to have it.
      signal.throwIfAborted()
      const connection = this.#next()
      if (connection !== undefined) {
        this.#waiting.shift()
        return connection
      }
      if (!this.isListening) throw await this.#cause()
      await this.#change(signal)
    }
  }

  /** Listens no more: what nobody has accepted ends, and what somebody has goes on. Never rejects. */
  async close(): Promise<void> {
    for (const connection of this.#waiting.splice(0)) connection.destroy()
    await this.peer.during(async () => this.#forward?.stop())
  }

  /** Of somebody who waits no more: it is for whoever waits next. */
  giveBack(connection: Tunnel): void {
    if (!this.isListening) connection.destroy()
    else this.#waiting.unshift(connection)
    this.#tell()
  }

  /** Until there is something to look at. */
  async #change(signal: AbortSignal): Promise<void> {
    const changed = new Deferred<void>()
    const resolve = () => changed.resolve()
    const exit = this.onChange(resolve)
    signal.addEventListener('abort', resolve)
    try {
      await changed.promise
    } finally {
      exit()
      signal.removeEventListener('abort', resolve)
    }
  }

  /** What its other end has given up meanwhile is for nobody. */
  #next(): Tunnel | undefined {
    while (this.#waiting[0]?.destroyed) this.#waiting.shift()
    return this.#waiting[0]
  }

  async #cause(): Promise<Error> {
    return (await this.#forward?.closed) ?? new RangeError('accepted before it listens')
  }

  #tell(): void {
    for (const changed of this.#watchers) changed()
  }
}

const backlogs = new WeakMap<Ssh2Listener, Backlog>()

export function backlogOf(listener: unknown): Backlog | undefined {
  return listener instanceof Ssh2Listener ? backlogs.get(listener) : undefined
}

/**
 * Has the server listen; `ssh2_forward_accept()` gives the connections. It ends with the session, or by `fclose()`.
 * @param port 0: one of the server's choice, which PHP does not tell: see `ssh2_forward_port()`
 * @param max_connections how many may wait to be accepted, more are closed; 0: as many as may be open at all, 256
 * @throws TypeError
 */
export async function ssh2_forward_listen(
  session: Ssh2Session,
  port: number,
  host: string | null = null,
  max_connections = maxQueued,
): Promise<Ssh2Listener | false> {
  const name = 'ssh2_forward_listen'
  intArgument([name, 2, 'port'], port)
  // RFC 4254 section 7.1, as libssh2: on all addresses, as far as the server allows it.
  const address = host === null ? '0.0.0.0' : stringArgument([name, 3, 'host'], host)
  const most = intArgument([name, 4, 'max_connections'], max_connections)
  return onClient({ name, says: 'Failure listening on remote port' }, session, {
    start: async (client, signal) => {
      const backlog = new Backlog(session, peerOf(name, session), most === 0 ? Number.POSITIVE_INFINITY : most)
      const to = (connection: Tunnel) => backlog.came(connection)
      backlog.begin(await client.forwardRemote({ listen: { host: address, port }, to, signal }))
      const listener = new Ssh2Listener()
      backlogs.set(listener, backlog)
      return listener
    },
    undo: (listener) => backlogOf(listener)?.close(),
  })
}

/**
 * Waits for the next connection to where the server listens, for as long as nobody comes and the session lasts, or as
 * `ssh2_set_timeout()` says.
 * @throws TypeError
 */
export async function ssh2_forward_accept(listener: Ssh2Listener): Promise<Tunnel | false> {
  const name = 'ssh2_forward_accept'
  const backlog = backlogOf(listener)
  if (backlog === undefined) throw wrongType([name, 1, 'listener'], 'resource', listener)
  const { peer, session } = backlog
  return orFalse({ name, of: [listener, session] }, async () =>
    register(
      await peer.within(name, {
        start: (signal) => backlog.accept(signal),
        undo: (connection) => backlog.giveBack(connection),
      }),
      session,
      peer,
    ),
  )
}

/** At which port the server listens: the one of its choice where it was asked for 0. PHP has nothing like it. @throws TypeError */
export function ssh2_forward_port(listener: Ssh2Listener): number {
  const backlog = backlogOf(listener)
  if (backlog === undefined) throw wrongType(['ssh2_forward_port', 1, 'listener'], 'resource', listener)
  return backlog.forward?.address.port ?? 0
}
