import type { Duplex } from 'node:stream'
import { ClientAuthentication } from '../auth/client.js'
import type { AuthPort } from '../auth/port.js'
import { Connection, type ConnectionHost } from '../connection/connection.js'
import { Facts } from '../connection/facts.js'
import type { OpenDecision, PeerHandlers } from '../connection/mux.js'
import { type ConnectionMessage, diagnostics } from '../diagnostics.js'
import { asHoldfastError, HoldfastError, type Phase } from '../errors.js'
import { type Deadline, Deadlines, runAll } from '../liveness/deadlines.js'
import { Deferred } from '../liveness/deferred.js'
import type { LivenessChange } from '../liveness/port.js'
import { probeMemory } from '../liveness/probe-memory.js'
import type { KeepaliveSettings } from '../liveness/settings.js'
import { Waits } from '../liveness/waits.js'
import { dialAgain } from '../socket/dial-again.js'
import { Driver } from '../socket/driver.js'
import { ProxyCommand } from '../socket/proxy-command.js'
import { readBuffer } from '../socket/read-buffer.js'
import { Scheduler } from '../socket/scheduler.js'
import { discard } from '../socket/stream.js'
import { setTcpKeepalive, type TcpKeepalive, tcpKeepaliveOf, tcpValues } from '../socket/tcp-keepalive.js'
import { printableLines } from '../wire/printable.js'
import { HostTrust } from './host-trust.js'
import { identification } from './identification.js'
import { type Identity, loadIdentity } from './identity.js'
import { busyMs, nodeEnvironment } from './node-environment.js'
import type { Settings } from './settings.js'
import type { Way } from './way.js'

/** RFC 4254 section 5.2. A larger window makes sshd itself slow; a smaller one makes a far server slow. */
const windowBytes = 2 * 1024 * 1024

export interface LinkEvents {
  livenessChanged(change: LivenessChange): void
  banner(text: string): void
  globalRequest(name: string, data: Buffer): void
  channelOpen(type: string, data: Buffer): OpenDecision
  /** The connection is over, and everything on it has been settled. */
  ended(cause: HoldfastError): void
}

/** A connection and all that keeps it running: its clocks and timer, its stream, the keys that it was made with. */
export class Link implements ConnectionHost {
  readonly settings: Settings
  readonly deadlines = new Deadlines()
  readonly facts: Facts
  readonly waits: Waits
  readonly #events: LinkEvents
  readonly #scheduler: Scheduler
  readonly #closed = new Deferred<HoldfastError>()
  #driver: Driver | undefined
  #connection: Connection | undefined
  #identity: Identity | undefined
  #trust: HostTrust | undefined
  /** Ends the thread that unlocks a key, once nobody waits for it. */
  readonly #loading = new AbortController()
  #ended = false
  #unlisten: (() => void) | undefined
  #asking: Deadline | undefined
  /** When `close()` is to be over. */
  #closeBy: number | undefined

  constructor(settings: Settings, events: LinkEvents) {
    this.settings = settings
    this.#events = events
    this.facts = new Facts(() => nodeEnvironment.now(), `${settings.host}:${settings.port}`, busyMs)
    this.waits = new Waits(this.facts, this.deadlines)
    this.#scheduler = new Scheduler({
      deadlines: this.deadlines,
      waits: this.waits,
      onWake: (_now, lostMs) => this.#lost(lostMs),
      onDisturbed: () => this.#connection?.disturbed(),
    })
  }

  /** Resolves with why the connection ended; never rejects. */
  get closed(): Promise<HoldfastError> {
    return this.#closed.promise
  }

  /** What made the host key trusted. */
  get trust(): HostTrust | undefined {
    return this.#trust
  }

  get connection(): Connection {
    if (this.#connection === undefined) throw new RangeError('the link has not been opened')
    return this.#connection
  }

  /** For how long, all in all, this process could not listen. */
  get loopBlockedMs(): number {
    return this.#scheduler.loopBlockedMs
  }

  /** The SO_KEEPALIVE that holds; undefined where the stream is no socket. */
  get tcpKeepalive(): TcpKeepalive | undefined {
    const socket = this.#driver?.socket
    return socket && tcpKeepaliveOf(socket)
  }

  setTcpKeepalive(tcp: KeepaliveSettings['tcp']): void {
    const socket = this.#driver?.socket
    if (socket !== undefined) setTcpKeepalive(socket, tcpValues(tcp))
  }

  /** Whether the open connection by itself keeps the process running. */
  keepRunning(keep: boolean): void {
    this.waits.keepRunning(keep)
    this.settings.via?.keepRunning(keep)
    this.#driver?.keepRunning(keep)
  }

  /** Dials, exchanges keys and authenticates, all within the limit `connect`. After a failure nothing is left. */
  async open(): Promise<void> {
    const wait = this.waits.start<void>({
      limit: 'connect',
      limitMs: Math.max(1, this.settings.limits.connect - this.settings.spentMs),
      clock: 'connect',
      phase: 'authentication',
      what: 'the connection',
      signal: this.settings.signal,
    })
    if (wait.pending) {
      this.#establish().then(
        () => wait.resolve(),
        (error: unknown) => wait.reject(error),
      )
    }
    this.#publish('connecting', 'dns')
    try {
      await wait.promise
      this.#publish('ready', 'ready')
      this.#watchSignal()
    } catch (error) {
      const cause = this.explain(asHoldfastError(error))
      this.end(cause)
      throw cause
    } finally {
      this.#asking?.cancel()
    }
  }

  /** Ends the connection in order; see `Connection.close`. */
  async close(limitMs: number): Promise<void> {
    if (this.connection.cause === undefined) this.#publish('closing', 'close')
    this.#closeBy ??= nodeEnvironment.now() + limitMs
    await this.connection.close(limitMs)
    await this.#release()
  }

  /** Ends everything with one cause, at whatever stage it is. */
  end(cause: HoldfastError): void {
    if (this.#connection === undefined) this.#endEarly(cause)
    else this.#connection.destroy(cause)
  }

  writable(): void {
    this.#driver?.writable()
  }

  finish(): void {
    this.#driver?.end()
  }

  destroy(how: 'farewell' | 'reset'): void {
    this.#driver?.destroy(how)
  }

  explain(cause: HoldfastError): HoldfastError {
    return this.settings.via?.explain(cause, this.facts.about.host) ?? cause
  }

  livenessChanged(change: LivenessChange): void {
    if (change.to === 'suspect') this.settings.via?.ask()
    diagnostics.liveness(() => ({ ...this.facts.about, ...change }))
    this.#events.livenessChanged(change)
  }

  ended(cause: HoldfastError): void {
    this.#ended = true
    this.#scheduler.stop()
    this.#closed.resolve(cause)
    runAll([
      () => this.#unlisten?.(),
      () => this.#loading.abort(cause),
      () => this.#identity?.close(),
      () => void this.#release(),
      () => this.#publish('closed', cause.phase ?? 'ready', cause),
      () => this.#events.ended(cause),
    ])
  }

  #publish(state: ConnectionMessage['state'], phase: Phase, error?: HoldfastError): void {
    diagnostics.connection(() => ({ ...this.facts.about, state, phase, ...(error === undefined ? {} : { error }) }))
  }

  #openThrough(via: Way): Promise<Duplex> {
    const { host, port, signal } = this.settings
    this.#askRepeatedly(via)
    return via.open({ host, port }, signal)
  }

  /** Until the keepalive watches: so that a limit that is reached while connecting can tell a dead hop from a dead target. */
  #askRepeatedly(via: Way): void {
    const { limits } = this.settings
    const everyMs = Math.min(limits.channelOpen, limits.identification, limits.keyExchange, limits.authentication) / 3
    this.#asking = this.deadlines.add(nodeEnvironment.now() + everyMs, () => {
      via.ask()
      this.#askRepeatedly(via)
    })
  }

  /** The hops have what is left of the time to close in. */
  #release(): Promise<void> | undefined {
    const leftMs = this.#closeBy === undefined ? undefined : Math.max(1, this.#closeBy - nodeEnvironment.now())
    return this.settings.via?.release(leftMs)
  }

  #endEarly(cause: HoldfastError): void {
    if (this.#ended) return
    const { stream } = this.settings
    // A stream that the program gave is ours from the call on, also where the call failed before it was looked at.
    if (this.#driver === undefined && stream !== undefined) discard(stream)
    this.destroy('reset')
    this.waits.drain(cause)
    this.ended(cause)
  }

  #lost(lostMs: number): void {
    if (lostMs === 0) return
    if (this.#connection === undefined) this.waits.lost(lostMs)
    else this.#connection.lost(lostMs)
  }

  #watchSignal(): void {
    const { signal } = this.settings
    if (signal === undefined) return
    const aborted = (reason: unknown) => {
      const details = { ...this.facts.errorDetails(), cause: reason }
      this.end(new HoldfastError('ERR_SSH_ABORTED', 'the client was ended by its signal', details))
    }
    if (signal.aborted) aborted(signal.reason)
    else this.#unlisten = this.waits.onAbort(signal, aborted)
  }

  async #establish(): Promise<void> {
    const { host, port, hostKey, identity } = this.settings
    const [trust, loaded, driver] = await Promise.all([
      HostTrust.load({ host, port }, hostKey),
      loadIdentity(identity, this.#loading.signal),
      this.#openStream(),
    ])
    this.#identity = loaded
    this.#trust = trust
    if (this.#ended) {
      loaded.close()
      return
    }
    const connection = this.#connect(trust, loaded)
    this.#connection = connection
    this.#publish('connecting', 'identification')
    // What has come already is an answer to nothing: it may be handled only once our side has begun.
    connection.start()
    driver.attach(connection)
    await connection.ready
  }

  async #openStream(): Promise<Driver> {
    const { host, port, socket: options, limits, keepalive, proxyCommand, stream, via, signal } = this.settings
    if (stream !== undefined) return this.#drive(new Driver(stream))
    if (via !== undefined) return this.#drive(new Driver(await this.#openThrough(via)))
    if (proxyCommand !== undefined) return this.#drive(new Driver(new ProxyCommand(proxyCommand)))
    const onread = readBuffer((chunk) => this.#driver?.receive(chunk))
    const context = { waits: this.waits, deadlines: this.deadlines, now: () => nodeEnvironment.now(), limits }
    const tcpKeepalive = tcpValues(keepalive.tcp)
    const { attempts = 1 } = options
    const socket = await dialAgain({ host, port }, attempts, { ...options, tcpKeepalive, onread, signal }, context)
    return this.#drive(new Driver(socket, { readsByItself: true }))
  }

  /** The stream is ours from now on; if it came too late, it goes at once. */
  #drive(driver: Driver): Driver {
    this.#driver = driver
    if (this.#ended) driver.destroy('reset')
    return driver
  }

  #connect(trust: HostTrust, identity: Identity): Connection {
    const { settings, deadlines, waits, facts } = this
    const { algorithms, limits, rekey, keepalive, host, port } = settings
    return new Connection(
      {
        role: 'client',
        environment: nodeEnvironment,
        deadlines,
        waits,
        facts,
        identification,
        algorithms: { ...algorithms, serverHostKey: trust.prefer(algorithms.serverHostKey) },
        limits,
        rekey,
        verifier: trust,
        authenticator: (authPort) => {
          this.#publish('connecting', 'authentication')
          return this.#authentication(authPort, identity)
        },
        handlers: this.#handlers(),
        keepalive,
        probeMemory: probeMemory.of(`${host}:${port}`),
        window: windowBytes,
      },
      this,
    )
  }

  #authentication(port: AuthPort, { ways, notes }: Identity): ClientAuthentication {
    const { username, limits } = this.settings
    return new ClientAuthentication(port, {
      username,
      ways,
      notes,
      limits,
      onBanner: ({ message }) => this.#events.banner(printableLines(message)),
      onWaiting: (waiting) => diagnostics.waiting(() => ({ ...this.facts.about, ...waiting })),
    })
  }

  #handlers(): PeerHandlers {
    return {
      channelOpen: (type, data) => this.#events.channelOpen(type, data),
      globalRequest: (name, data) => {
        this.#events.globalRequest(name, data)
        return undefined
      },
    }
  }
}
