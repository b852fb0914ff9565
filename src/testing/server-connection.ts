import type { Socket } from 'node:net'
import type { AuthPort } from '../auth/port.js'
import { ServerAuthentication } from '../auth/server.js'
import { nodeEnvironment } from '../client/node-environment.js'
import { Connection } from '../connection/connection.js'
import { Facts } from '../connection/facts.js'
import type { ConnectionLimits } from '../connection/options.js'
import type { Authenticator } from '../connection/services.js'
import { HoldfastError } from '../errors.js'
import { Deadlines } from '../liveness/deadlines.js'
import { Deferred } from '../liveness/deferred.js'
import { ProbeMemory } from '../liveness/probe-memory.js'
import { Waits } from '../liveness/waits.js'
import { Driver } from '../socket/driver.js'
import { Scheduler } from '../socket/scheduler.js'
import { Forwarding } from './forwarding.js'
import { ServerHandlers } from './server-handlers.js'
import type { ServerSettings } from './server-options.js'

/** Milliseconds. As sshd's LoginGraceTime, or longer: whoever is tested is to lose patience first. */
const limits: ConnectionLimits = {
  identification: 120_000,
  keyExchange: 120_000,
  rekey: 120_000,
  prompt: 120_000,
  channelOpen: 120_000,
  reply: 120_000,
  channelClose: 120_000,
}
/** Bytes, as sshd grants. */
const window = 2 * 1024 * 1024
/** What RFC 8308 section 3.1 lists: all that `ServerAuthentication` takes. */
const signatureAlgorithms =
  'ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256,sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com'

export interface ServerConnectionOptions {
  readonly settings: ServerSettings
  /** The connection is over, and everybody in it has been told. */
  ended(connection: ServerConnection): void
}

/** One client of the server that `startServer()` started. */
export class ServerConnection {
  /** The port from which the client connected. */
  readonly clientPort: number
  readonly #socket: Socket
  readonly #driver: Driver
  readonly #connection: Connection
  readonly #handlers: ServerHandlers
  readonly #closed = new Deferred<HoldfastError>()
  #username: string | undefined
  #isFrozen = false
  /** Whether there is output that a frozen server did not write. */
  #owesOutput = false

  /** @internal */
  constructor(socket: Socket, options: ServerConnectionOptions) {
    const { settings } = options
    this.clientPort = socket.remotePort ?? 0
    this.#socket = socket
    this.#driver = new Driver(socket)
    const ports = { clientPort: this.clientPort, serverPort: socket.localPort ?? 0 }
    const forwarding = settings.forwarding ? new Forwarding(() => this.#connection) : undefined
    this.#handlers = new ServerHandlers({
      ...settings,
      forwarding,
      session: () => ({ username: this.#username ?? '', connection: ports, handlers: settings.handlers }),
    })
    this.#connection = this.#assemble(settings, (cause) => {
      forwarding?.end()
      this.#closed.resolve(cause)
      options.ended(this)
    })
  }

  /** Who logged in; undefined before. */
  get username(): string | undefined {
    return this.#username
  }

  /** Resolves with the reason once the connection is over; never rejects. */
  get closed(): Promise<HoldfastError> {
    return this.#closed.promise
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#handlers.sessions
  }

  /** Says who we are, and begins to listen. @internal */
  start(): void {
    this.#driver.attach(this.#connection)
    this.#connection.start()
  }

  /** Exchanges keys anew. Resolves when the new keys are in use. @throws HoldfastError what ended the connection */
  rekey(): Promise<void> {
    return this.#connection.rekey()
  }

  /** Ends the connection in order: what was written goes out, then DISCONNECT, then FIN. All within `timeoutMs`. */
  disconnect(timeoutMs = 500): Promise<void> {
    return this.#isFrozen ? this.#kill() : this.#connection.close(timeoutMs)
  }

  /** Resets the connection, as when the process that serves it is killed. */
  reset(): void {
    void this.#kill()
  }

  /** @internal */
  freeze(): void {
    this.#isFrozen = true
    this.#socket.pause()
  }

  /** @internal */
  thaw(): void {
    this.#isFrozen = false
    this.#socket.resume()
    if (this.#owesOutput) this.#driver.writable()
    this.#owesOutput = false
  }

  async #kill(): Promise<void> {
    this.#connection.destroy(new HoldfastError('ERR_SSH_CLOSED', 'the server ended the connection', { phase: 'close' }))
  }

  #assemble(settings: ServerSettings, ended: (cause: HoldfastError) => void): Connection {
    const deadlines = new Deadlines()
    const facts = new Facts(nodeEnvironment.now, `${this.#socket.remoteAddress ?? ''}:${this.clientPort}`)
    const waits = new Waits(facts, deadlines)
    const connection = new Connection(
      {
        role: 'server',
        environment: nodeEnvironment,
        facts,
        waits,
        deadlines,
        limits,
        window,
        windowMax: window,
        signer: settings.hostKeys,
        extensions: extensionsOf(settings),
        authenticator: (port) => this.#authenticator(port, settings),
        handlers: this.#handlers,
        probeMemory: new ProbeMemory().of(''),
        algorithms: settings.algorithms,
        identification: settings.identification,
        keepalive: settings.keepalive,
        rekey: settings.rekey,
      },
      {
        writable: () => this.#writable(),
        finish: () => this.#driver.end(),
        destroy: (how) => this.#driver.destroy(how),
        livenessChanged: () => {},
        ended: (cause) => {
          scheduler.stop()
          ended(cause)
        },
      },
    )
    const scheduler = new Scheduler({
      deadlines,
      waits,
      onWake: (_now, lostMs) => connection.lost(lostMs),
      onDisturbed: () => connection.disturbed(),
    })
    return connection
  }

  #writable(): void {
    if (this.#isFrozen) this.#owesOutput = true
    else this.#driver.writable()
  }

  #authenticator(port: AuthPort, settings: ServerSettings): Authenticator {
    const authentication = new ServerAuthentication(port, settings.authentication)
    return {
      run: async () => {
        this.#username = (await authentication.run()).username
      },
      receive: (payload) => authentication.receive(payload),
      get succeeded() {
        return authentication.succeeded
      },
    }
  }
}

function extensionsOf({ answerKeepalives }: ServerSettings): ReadonlyMap<string, Buffer> {
  const extensions = new Map([['server-sig-algs', Buffer.from(signatureAlgorithms)]])
  if (answerKeepalives) extensions.set('ping@openssh.com', Buffer.from('0'))
  return extensions
}
