import type { Connection } from '../connection/connection.js'
import { Facts } from '../connection/facts.js'
import type { ConnectionHost } from '../connection/host.js'
import { type ConnectionMessage, diagnostics } from '../diagnostics.js'
import { asHoldfastError, HoldfastError, type Phase } from '../errors.js'
import { AgentForward } from '../forward/agent-forward.js'
import { type Deadline, runAll } from '../liveness/deadlines.js'
import { Deferred } from '../liveness/deferred.js'
import type { LivenessChange } from '../liveness/port.js'
import type { KeepaliveSettings } from '../liveness/settings.js'
import type { Driver } from '../socket/driver.js'
import { discard, isDuplex } from '../socket/stream.js'
import { setTcpKeepalive, type TcpKeepalive, tcpKeepaliveOf, tcpValues } from '../socket/tcp-keepalive.js'
import { HostTrust } from './host-trust.js'
import { type Identity, loadIdentity } from './identity.js'
import { type Face, newConnection, type PeerEvents } from './new-connection.js'
import { busyMs, nodeEnvironment } from './node-environment.js'
import { openDriver } from './open-driver.js'
import { policyStats } from './policy/origins.js'
import type { LinkSettings, Settings } from './settings.js'
import { Timing } from './timing.js'
import type { Way } from './way.js'

export interface LinkEvents extends PeerEvents {
  livenessChanged(change: LivenessChange): void
  /** The connection is over, and everything on it has been settled. */
  ended(cause: HoldfastError): void
}

/** Who logs in in another way. */
const nobody: Identity = { ways: [], notes: [], close: () => {} }

/** A connection and all that keeps it running: its clocks and timer, its stream, the keys that it was made with. */
export class Link implements ConnectionHost {
  #settings: LinkSettings
  readonly facts: Facts
  readonly timing: Timing
  readonly #events: LinkEvents
  readonly #face: Face | undefined
  readonly #closed = new Deferred<HoldfastError>()
  #driver: Driver | undefined
  #connection: Connection | undefined
  /** Who we are, until the peer has accepted it: keys and passwords are not to stay as long as the connection. */
  #identity: Identity | undefined
  #identityOptions: Settings['identity'] | undefined
  #trust: HostTrust | undefined
  #agentForward: AgentForward | undefined
  /** Ends what is loaded or opened for it, once nobody waits for that. */
  #loading: AbortController | undefined = new AbortController()
  #ended = false
  #unlisten: (() => void) | undefined
  #asking: Deadline | undefined
  /** When `close()` is to be over. */
  #closeBy: number | undefined
  #keepsRunning = true

  constructor({ identity, ...settings }: Settings, events: LinkEvents, face?: Face) {
    this.#settings = settings
    this.#identityOptions = identity
    this.#events = events
    this.#face = face
    this.facts = new Facts(nodeEnvironment.now, `${settings.host}:${settings.port}`, busyMs)
    this.timing = new Timing(this.facts, {
      disturbed: () => this.#connection?.disturbed(),
      woken: () => this.#driver?.flush(),
    })
  }

  get settings(): LinkSettings {
    return this.#settings
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

  /** Who may use the agent over this connection. */
  get agentForward(): AgentForward {
    const { forwardAgent, limits } = this.settings
    const proof = () => this.#trust?.proof
    return (this.#agentForward ??= new AgentForward({ port: this.connection, ...forwardAgent, limits, proof }))
  }

  /** For how long, all in all, this process could not listen. */
  get loopBlockedMs(): number {
    return this.timing.loopBlockedMs
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
    this.#keepsRunning = keep
    this.timing.waits.keepRunning(keep)
    this.settings.via?.keepRunning(keep)
    this.#driver?.keepRunning(keep)
  }

  /**
   * Dials, exchanges keys and authenticates, all within the limit `connect`. After a failure nothing is left.
   * @param options.isAwaited whether a caller waits for it, under whom the process must not end
   */
  async open({ isAwaited }: { readonly isAwaited: boolean } = { isAwaited: true }): Promise<void> {
    this.timing.waits.attend(isAwaited)
    const wait = this.timing.waits.start<void>({
      limit: 'connect',
      limitMs: Math.max(1, this.settings.limits.connect - this.settings.spentMs),
      clock: 'connect',
      // Where no step says it: a signal that has aborted keeps the first from beginning, and what a program opens is none.
      phase: this.settings.signal?.aborted === true ? 'dns' : 'tcp',
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
    diagnostics.policy(() => ({ ...this.facts.about, ...policyStats(this.settings.policy, this.settings.keepalive) }))
    try {
      await wait.promise
      this.#publish('ready', 'ready')
      this.#watchSignal()
    } catch (error) {
      const cause = this.explain(asHoldfastError(error))
      // The face of another library ends it in order at any stage.
      if (this.#face === undefined || this.#closeBy === undefined) this.end(cause)
      throw cause
    } finally {
      this.timing.waits.attend(true)
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
    if (!this.timing.isWaking) this.#driver?.writable()
  }

  finish(): void {
    this.#driver?.end()
  }

  delivers(): boolean {
    return this.#driver?.socket !== undefined
  }

  destroy(how: 'farewell' | 'reset'): void {
    this.#driver?.destroy(how === 'reset' && this.#leavesQuietly ? 'quiet' : how)
  }

  /** Programs of another library have servers that take a reset for an error, and end by it; a dead peer leaves no choice. */
  get #leavesQuietly(): boolean {
    if (this.#face === undefined || this.#connection?.cause?.code === 'ERR_SSH_PEER_DEAD') return false
    return (this.#driver?.socket?.writableLength ?? 0) === 0
  }

  explain(cause: HoldfastError): HoldfastError {
    return this.settings.via?.explain(cause, this.facts.about.host) ?? cause
  }

  keysExchanged(): void {
    this.#face?.keysExchanged(this)
  }

  livenessChanged(change: LivenessChange): void {
    if (change.to === 'suspect') this.settings.via?.ask()
    diagnostics.liveness(() => ({ ...this.facts.about, ...change }))
    this.#events.livenessChanged(change)
  }

  ended(cause: HoldfastError): void {
    this.#ended = true
    this.timing.stop()
    this.#closed.resolve(cause)
    runAll([
      () => this.#unlisten?.(),
      () => this.#loading?.abort(cause),
      () => this.#forgetIdentity(),
      () => void this.#release(),
      () => this.#publish('closed', cause.phase ?? 'ready', cause),
      () => this.#events.ended(cause),
    ])
  }

  #publish(state: ConnectionMessage['state'], phase: Phase, error?: HoldfastError): void {
    diagnostics.connection(() => ({ ...this.facts.about, state, phase, ...(error === undefined ? {} : { error }) }))
  }

  /** Until the keepalive watches: so that a limit that is reached while connecting can tell a dead hop from a dead target. */
  #askRepeatedly(via: Way): void {
    const { limits } = this.settings
    const everyMs = Math.min(limits.channelOpen, limits.identification, limits.keyExchange, limits.authentication) / 3
    this.#asking = this.timing.deadlines.add(nodeEnvironment.now() + everyMs, () => {
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
    if (this.#driver === undefined && isDuplex(stream)) discard(stream)
    this.destroy('reset')
    this.timing.waits.drain(cause)
    this.ended(cause)
  }

  #watchSignal(): void {
    const { signal } = this.settings
    if (signal === undefined || this.#ended) return
    const aborted = (reason: unknown) => {
      const details = { ...this.facts.errorDetails(), cause: reason }
      this.end(new HoldfastError('ERR_SSH_ABORTED', 'the client was ended by its signal', details))
    }
    if (signal.aborted) aborted(signal.reason)
    else this.#unlisten = this.timing.waits.onAbort(signal, aborted)
  }

  async #establish(): Promise<void> {
    const { settings, timing, facts } = this
    const { host, port, hostKey, via } = settings
    if (via !== undefined) this.#askRepeatedly(via)
    const abandoned = (this.#loading ??= new AbortController()).signal
    const [trust, identity, driver] = await Promise.all([
      HostTrust.load({ host, port }, hostKey, this.#face?.keyRules),
      this.#face === undefined ? loadIdentity(this.#identityOptions ?? {}, abandoned) : nobody,
      openDriver(settings, timing, abandoned).then((opened) => this.#drive(opened)),
    ])
    this.#identity = identity
    this.#trust = trust
    if (this.#ended) {
      this.#forgetIdentity()
      return
    }
    const authenticating = () => this.#publish('connecting', 'authentication')
    const agentForward = () => this.agentForward
    const events = this.#events
    const face = this.#face
    const known = () => this.#knownIdentity
    const parts = { settings, timing, facts, trust, identity: known, events, face, agentForward, authenticating }
    const connection = newConnection(parts, this)
    this.#connection = connection
    this.#publish('connecting', 'identification')
    // What has come already is an answer to nothing: it may be handled only once our side has begun.
    connection.start()
    driver.attach(connection)
    await connection.ready
    // Who logs in as the options say shares them with all that has been made of them.
    if (face?.username !== undefined) this.#settings = { ...settings, username: face.username }
    this.#forgetIdentity()
    this.#loading = undefined
  }

  get #knownIdentity(): Identity {
    if (this.#identity === undefined) throw new RangeError('the identity has not been loaded, or is forgotten')
    return this.#identity
  }

  #forgetIdentity(): void {
    this.#identity?.close()
    this.#identity = undefined
    this.#identityOptions = undefined
  }

  /** The stream is ours from now on; if it came too late, it goes at once. */
  #drive(driver: Driver): Driver {
    this.#driver = driver
    this.#face?.opened(driver.socket)
    if (!this.#keepsRunning) driver.keepRunning(false)
    if (this.#ended) driver.destroy('reset')
    return driver
  }
}
