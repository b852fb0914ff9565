import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AuthPort } from '../auth/port.js'
import { Link } from '../client/link.js'
import type { Face } from '../client/new-connection.js'
import { resolveSettings } from '../client/settings.js'
import { type ConnectionStats, connectionStats } from '../client/stats.js'
import type { Connection } from '../connection/connection.js'
import type { OpenDecision } from '../connection/mux.js'
import { asHoldfastError, HoldfastError } from '../errors.js'
import { hostKeysRequest } from '../keys/host-key-rotation.js'
import { Deferred } from '../liveness/deferred.js'
import { Channel } from './channel.js'
import { type ChannelHost, channelHostOf } from './channel-host.js'
import { configured } from './configured.js'
import type { Plan } from './connect-options.js'
import { connectionOf } from './connection-of.js'
import { DebugLines } from './debug-lines.js'
import { EndOrder } from './end-order.js'
import { authenticationError, endingOf } from './errors.js'
import { tellHostKeys } from './host-keys.js'
import type { Login } from './login.js'
import { loginOf } from './login-of.js'
import { negotiatedAlgorithms } from './negotiated.js'
import { keyRules } from './parsed-key.js'
import { whenParted } from './parting.js'
import type { PeerOwner } from './peer-owner.js'
import { PendingCalls } from './pending-calls.js'
import { RemoteForwards } from './remote-forwards.js'
import { SocketFace } from './socket-face.js'

/** One connection of a `Client`, from `connect()` to `close`. */
export class Peer implements Face {
  readonly plan: Plan
  /** What programs find in `client._sock`. */
  readonly sock: Duplex | SocketFace
  readonly forwards: RemoteForwards
  readonly calls = new PendingCalls()
  /** That of the options: ssh2 has no other. */
  readonly username = undefined
  readonly keyRules = keyRules
  readonly #owner: PeerOwner
  readonly #debug: DebugLines
  readonly #face: SocketFace
  readonly #ready = new Deferred<Link>()
  #link: Link | undefined
  #socket: Socket | undefined
  #login: Login | undefined
  readonly #endOrder = new EndOrder()
  #state: 'connecting' | 'ready' | 'ending' | 'over' = 'connecting'
  #isConnected = false
  #isIdentified = false
  #isDestroyed = false
  /** That no login succeeded has been told: what follows from it is not told too. */
  #isExhausted = false
  /** It ends in order, and says itself when that is over. */
  #isClosing = false
  #keepsRunning = true
  /** When an end in order is to be over. */
  #closeBy = 0

  constructor(plan: Plan, owner: PeerOwner) {
    this.plan = plan
    this.#owner = owner
    this.#debug = new DebugLines(plan.debug)
    this.#face = new SocketFace({
      timeoutMs: plan.socketTimeoutMs,
      keepRunning: (keep) => this.#keepRunning(keep),
      end: () => this.end(),
      destroy: () => this.destroy(),
    })
    this.#face.on('timeout', () => owner.tell('timeout'))
    this.sock = plan.sock ?? this.#face
    this.forwards = new RemoteForwards(owner)
  }

  get identification(): string | undefined {
    return this.plan.identification
  }

  /** Whether a call may still be made. */
  get isWritable(): boolean {
    return this.#state === 'connecting' || this.#state === 'ready'
  }

  /** What the server says it is: `OpenSSH_9.2p1`. */
  get software(): string {
    return this.#link?.connection.words.identification?.software ?? ''
  }

  /** The connection, once the user is authenticated. Rejects with why there is none. */
  get ready(): Promise<Link> {
    return this.#ready.promise
  }

  /** The connection now; undefined before it is ready and after its end. */
  get connection(): Connection | undefined {
    return this.#state === 'ready' ? this.#link?.connection : undefined
  }

  /** Undefined until the server has been reached; of the last moment once it is over. */
  get stats(): ConnectionStats | undefined {
    return this.#link && connectionOf(this.#link) && connectionStats(this.#link)
  }

  async start(): Promise<void> {
    const { host, port } = this.plan.options
    if (this.plan.sock === undefined) this.#debug.trying(host, port)
    try {
      const settings = resolveSettings(await configured(this.plan))
      if (!this.isWritable) return
      const link = new Link(settings, this.#events(), this)
      this.#link = link
      if (!this.#keepsRunning) link.keepRunning(false)
      await link.open()
      this.#becameReady(link)
    } catch (error) {
      if (!this.#isClosing) this.#over(asHoldfastError(error))
    }
  }

  /** Ends it in order: within the limit `close`, whatever the peer does. */
  end(): void {
    if (!this.isWritable) return
    this.#state = 'ending'
    this.#face.ending()
    const link = this.#link
    if (link !== undefined && this.#login !== undefined) void this.#closeInOrder(link)
    else this.#endSoon()
  }

  /** Ends it at once. */
  destroy(): void {
    if (this.#state === 'over') return
    this.#state = 'ending'
    this.#isDestroyed = true
    this.#face.ending()
    this.#endSoon()
  }

  setNoDelay(noDelay?: boolean): void {
    const { sock } = this
    const method: unknown = Reflect.get(sock, 'setNoDelay')
    if (typeof method === 'function') Reflect.apply(method, sock, [noDelay])
  }

  authenticator(port: AuthPort): Login {
    const { limits } = this.#opened.settings
    this.#login = loginOf({ port, plan: this.plan, limits, owner: this.#owner, exhausted: () => this.#exhausted() })
    return this.#login
  }

  agentChannel(decision: OpenDecision): OpenDecision {
    return this.forwards.agentChannel(this.plan.credentials.agent, decision)
  }

  opened(socket: Socket | undefined): void {
    this.#isConnected = true
    this.#socket = socket
    this.#face.opened(socket)
    this.#debug.connected()
    this.#owner.tell('connect')
  }

  keysExchanged(): void {
    const { negotiated, words } = this.#connection
    const { identification } = words
    if (!this.#isIdentified) {
      this.#isIdentified = true
      this.#debug.identified(identification?.line)
      const greeting = identification?.greeting.toString('utf8') ?? ''
      if (greeting !== '') this.#owner.tell('greeting', greeting)
    }
    if (negotiated === undefined) return
    const handshake = negotiatedAlgorithms(negotiated)
    this.#debug.exchanged(handshake)
    this.#owner.tell('handshake', handshake)
  }

  /** Runs what is told of the end of the connection, or fails by it, in its turn. */
  afterEnd(work: () => void): void {
    this.#endOrder.after(work)
  }

  /** Runs what may call functions of the program. */
  guard(work: () => void): void {
    this.#owner.guard(work)
  }

  /** The stream of a channel that the server opens. */
  makeStream(client: object, type: string): Channel {
    return new Channel(this.channelHost(client), type)
  }

  /** What channels of it need. */
  channelHost(client: object): ChannelHost {
    return channelHostOf(this.#opened, client, this)
  }

  get #connection(): Connection {
    return this.#opened.connection
  }

  get #opened(): Link {
    if (this.#link === undefined) throw new RangeError('the connection has not begun')
    return this.#link
  }

  #events(): ConstructorParameters<typeof Link>[1] {
    return {
      livenessChanged: () => {},
      banner: () => {},
      globalRequest: (name, data) => this.#requestCame(name, Buffer.from(data)),
      channelOpen: (type, data): OpenDecision => this.forwards.channelOpen(type, data),
      ended: (cause) => this.#over(cause),
    }
  }

  /** As ssh2: told at once, and then ended. */
  #exhausted(): void {
    this.#isExhausted = true
    this.#owner.tell('error', authenticationError())
    this.end()
  }

  #becameReady(link: Link): void {
    if (this.#state !== 'connecting') return
    this.#state = 'ready'
    this.#ready.resolve(link)
    this.#debug.ready()
    this.#owner.tell('ready')
  }

  #requestCame(name: string, data: Buffer): void {
    if (name !== hostKeysRequest || !this.#owner.hasListeners('hostkeys')) return
    void tellHostKeys(this.ready, data, (keys) => void this.#owner.tell('hostkeys', keys))
  }

  /** Answers that are on their way are still heard, as with ssh2, but for no more than half of the time; before the login there are none. */
  async #closeInOrder(link: Link): Promise<void> {
    this.#isClosing = true
    const limitMs = link.settings.limits.close
    const { connection } = link
    this.#closeBy = connection.now() + limitMs
    if (this.calls.areWaiting && this.#login?.succeeded === true)
      await this.calls.answered(connection.waits, limitMs / 2)
    await link.close(this.#closeBy - connection.now())
  }

  #keepRunning(keep: boolean): void {
    this.#keepsRunning = keep
    this.#link?.keepRunning(keep)
  }

  /** Not at once: who calls it may want to listen for the `close` that comes of it. */
  #endSoon(): void {
    process.nextTick(() => {
      const cause = new HoldfastError('ERR_SSH_CLOSED', 'the client was closed', { phase: 'close' })
      if (this.#link === undefined) this.#over(cause)
      else this.#link.end(cause)
    })
  }

  #over(cause: HoldfastError): void {
    if (this.#state === 'over') return
    // The answer to the login can come together with the end.
    if (this.#login?.succeeded === true && this.#link !== undefined) this.#becameReady(this.#link)
    const isUnderWay = this.#login?.succeeded ?? false
    this.#state = 'over'
    this.#ready.reject(cause)
    const words = this.#link !== undefined && this.#isConnected ? connectionOf(this.#link)?.words : undefined
    const ending = endingOf(cause, {
      isConnected: this.#isConnected,
      isIdentified: words?.identification !== undefined,
      isReady: cause.phase === 'ready',
      farewell: words?.farewell,
    })
    this.#face.ending()
    if (ending.error?.level === 'client-socket') this.#debug.failed(ending.error)
    this.#debug.closed()
    const told = this.#isExhausted ? { ...ending, error: undefined } : ending
    const shown = this.#isDestroyed ? { ...ending, error: undefined, isOrderly: false } : told
    this.#endOrder.over({
      isUnderWay,
      failed: () => this.#owner.failed(shown),
      whenGone: (gone) => this.#whenGone(gone),
      ended: () => {
        this.#face.closed()
        this.#owner.ended(shown)
      },
    })
  }

  #whenGone(gone: () => void): void {
    const limitMs = this.#isClosing ? this.#closeBy - this.#connection.now() : 0
    whenParted(this.#socket, { limitMs, keepsRunning: this.#keepsRunning }, gone)
  }
}
