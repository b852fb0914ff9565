import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { ConnectionStats } from '../client/stats.js'
import type { AgentLike } from './agents.js'
import { isStream, needed, rethrow } from './callbacks.js'
import type { Channel } from './channel.js'
import type { PseudoTtyOptions } from './channel-requests.js'
import type { ClientEvents } from './client-events.js'
import type { ConnectConfig } from './config.js'
import { type Plan, readConfig } from './connect-options.js'
import { isDelegable } from './delegable.js'
import { Delegate } from './delegate.js'
import type { Ending } from './errors.js'
import {
  forwardIn,
  forwardInUnix,
  forwardOut,
  forwardOutUnix,
  noMoreSessions,
  unforwardIn,
  unforwardInUnix,
} from './forward-calls.js'
import { Peer } from './peer.js'
import type { Program } from './program.js'
import { type ExecOptions, type ShellOptions, shellProgram, startProgram } from './programs.js'
import { ProtocolFace } from './protocol-face.js'
import type { SFTP } from './sftp.js'
import { startSftp } from './sftp-start.js'
import type { SocketFace } from './socket-face.js'
import { Teller } from './teller.js'

type Callback = (error: Error | undefined, nothing: undefined) => void
type ChannelCallback = (error: Error | undefined, channel: Channel) => void
type SftpCallback = (error: Error | undefined, sftp: SFTP) => void

/** A connection to a server, as ssh2's `Client`. */
export class Client extends EventEmitter<ClientEvents> {
  /** What `connect()` was given last. */
  config: ConnectConfig = {}
  /** @internal */
  _sock: Duplex | SocketFace | undefined
  /** @internal */
  _protocol: ProtocolFace | undefined
  /** @internal */
  _agent: AgentLike | undefined
  #peer: Peer | undefined
  /** ssh2 itself, for what Holdfast does not have. */
  #delegate: Delegate | undefined
  readonly #teller = new Teller(this, () => void this.end())

  connect(config: ConnectConfig): this {
    if (this.#isWritable) {
      this.once('close', () => void this.connect(config))
      return this.end()
    }
    this.#delegate = undefined
    const plan = readConfig(config)
    this.config = { ...config, host: plan.options.host, port: plan.options.port, username: plan.credentials.username }
    this._agent = plan.credentials.agent
    if (plan.lacking === undefined || !isDelegable(plan)) this.#begin(plan)
    else this.#delegateTo(plan.lacking, config)
    return this
  }

  /** Ends the connection in order. It takes no longer than 2 s, whatever the peer does; then comes `close`. */
  end(): this {
    this.#delegate?.call('end')
    this.#peer?.end()
    return this
  }

  /** Ends the connection at once. */
  destroy(): this {
    this.#delegate?.call('destroy')
    this.#peer?.destroy()
    return this
  }

  exec(command: string, callback: ChannelCallback): this
  exec(command: string, options: ExecOptions, callback: ChannelCallback): this
  exec(command: string, options: ExecOptions | ChannelCallback, callback?: ChannelCallback): this {
    if (this.#delegated('exec', command, options, callback)) return this
    this.#connected()
    const [given, done]: [ExecOptions, unknown] = typeof options === 'function' ? [{}, options] : [options, callback]
    // Where there are none, this throws as it does there.
    const allowHalfOpen = given.allowHalfOpen !== false
    const { env, pty, x11, agentForward } = given
    return this.#start({ type: 'exec', text: command, env, pty, x11, agentForward, allowHalfOpen }, done)
  }

  shell(callback: ChannelCallback): this
  shell(window: PseudoTtyOptions | false | ShellOptions, callback: ChannelCallback): this
  shell(window: PseudoTtyOptions | false, options: ShellOptions, callback: ChannelCallback): this
  shell(
    window: PseudoTtyOptions | false | ShellOptions | ChannelCallback,
    options?: ShellOptions | ChannelCallback,
    callback?: ChannelCallback,
  ): this {
    if (this.#delegated('shell', window, options, callback)) return this
    const done = [window, options, callback].find((argument) => typeof argument === 'function')
    return this.#start(shellProgram(window, options), done)
  }

  subsys(name: string, callback: ChannelCallback): this {
    if (this.#delegated('subsys', name, callback)) return this
    return this.#start({ type: 'subsystem', text: name }, callback)
  }

  sftp(callback: SftpCallback): this
  sftp(env: Readonly<Record<string, string>>, callback: SftpCallback): this
  sftp(env: Readonly<Record<string, string>> | SftpCallback, callback?: SftpCallback): this {
    if (this.#delegated('sftp', env, callback)) return this
    const peer = this.#connected()
    const done = typeof env === 'function' ? env : callback
    this.#callBack(startSftp(peer, this, typeof env === 'function' ? {} : env), this.#needed(done))
    return this
  }

  forwardIn(bindAddr: string, bindPort: number, callback?: (error: Error | undefined, port: number) => void): this {
    if (this.#delegated('forwardIn', bindAddr, bindPort, callback)) return this
    const peer = this.#connected()
    this.#callBackAtOnce((told) => forwardIn(peer, bindAddr, bindPort, told), callback)
    return this
  }

  unforwardIn(bindAddr: string, bindPort: number, callback?: Callback): this {
    if (this.#delegated('unforwardIn', bindAddr, bindPort, callback)) return this
    this.#callBack(unforwardIn(this.#connected(), bindAddr, bindPort), callback)
    return this
  }

  forwardOut(srcIP: string, srcPort: number, dstIP: string, dstPort: number, callback?: ChannelCallback): this {
    if (this.#delegated('forwardOut', srcIP, srcPort, dstIP, dstPort, callback)) return this
    this.#callBack(forwardOut(this.#connected(), this, { srcIP, srcPort, dstIP, dstPort }), callback)
    return this
  }

  openssh_noMoreSessions(callback?: Callback): this {
    if (this.#delegated('openssh_noMoreSessions', callback)) return this
    this.#callBack(noMoreSessions(this.#connected()), callback)
    return this
  }

  openssh_forwardInStreamLocal(socketPath: string, callback?: Callback): this {
    if (this.#delegated('openssh_forwardInStreamLocal', socketPath, callback)) return this
    const peer = this.#connected()
    this.#callBackAtOnce((told) => forwardInUnix(peer, socketPath, told), callback)
    return this
  }

  openssh_unforwardInStreamLocal(socketPath: string, callback?: Callback): this {
    if (this.#delegated('openssh_unforwardInStreamLocal', socketPath, callback)) return this
    this.#callBack(unforwardInUnix(this.#connected(), socketPath), callback)
    return this
  }

  openssh_forwardOutStreamLocal(socketPath: string, callback?: ChannelCallback): this {
    if (this.#delegated('openssh_forwardOutStreamLocal', socketPath, callback)) return this
    this.#callBack(forwardOutUnix(this.#connected(), this, socketPath), callback)
    return this
  }

  setNoDelay(noDelay?: boolean): this {
    if (this.#delegated('setNoDelay', noDelay)) return this
    this.#peer?.setNoDelay(noDelay)
    return this
  }

  /** What Holdfast knows of the connection: what holds of a policy, too. Undefined before there is one, and where ssh2 made it. */
  stats(): ConnectionStats | undefined {
    return this.#peer?.stats
  }

  /** @internal */
  get _remoteVer(): string | undefined {
    return this.#peer?.software
  }

  get #isWritable(): boolean {
    return this.#delegate?.isWritable ?? this.#peer?.isWritable ?? false
  }

  #begin(plan: Plan): void {
    const peer = new Peer(plan, {
      tell: (event, ...args) => this.#teller.tell(event, ...args),
      hasListeners: (event) => this.#teller.hasListeners(event),
      guard: (work) => this.#teller.guard(work),
      failed: (ending) => this.#failed(ending),
      ended: (ending) => this.#ended(ending),
    })
    this.#peer = peer
    this._sock = peer.sock
    this._protocol = new ProtocolFace(peer)
    peer.forwards.attach((type) => peer.makeStream(this, type))
    // It must not throw into whoever called connect(), and never rejects.
    void peer.start()
  }

  #delegateTo(lacking: string, config: ConnectConfig): void {
    this.#peer = undefined
    this.#delegate = Delegate.connect(lacking, config, {
      event: (name, args) => this.#teller.tell(name, ...args),
      sock: (sock) => {
        this._sock = sock
      },
    })
  }

  #delegated(method: string, ...args: readonly unknown[]): boolean {
    if (this.#delegate === undefined) return false
    this.#delegate.call(method, ...args)
    return true
  }

  #start(program: Program, callback: unknown): this {
    this.#callBack(startProgram(this.#connected(), this, program), this.#needed(callback))
    return this
  }

  #needed(callback: unknown): unknown {
    const peer = this.#peer
    return needed(callback, () => peer?.isWritable ?? false)
  }

  /** @throws Error `Not connected` */
  #connected(): Peer {
    if (this.#peer?.isWritable !== true) throw new Error('Not connected')
    return this.#peer
  }

  /** Calls back while the answer is handled: what the server sends next is for what the callback sets up. */
  #callBackAtOnce(call: (told: (...values: readonly unknown[]) => void) => Promise<void>, callback: unknown): void {
    const done = this.#done(callback)
    const afterEnd = this.#afterEnd()
    const told = call((...values) => (values.length === 0 ? done() : done(undefined, ...values)))
    this.#pending(told).catch((error: unknown) => afterEnd(() => done(error)))
  }

  /** Calls back once, whatever comes. */
  #callBack(call: Promise<unknown>, callback: unknown): void {
    const done = this.#done(callback)
    const afterEnd = this.#afterEnd()
    this.#pending(call).then(
      (value) => {
        if (value === undefined) done()
        else done(undefined, value)
        // Not before those who wait for it by a promise have listeners on it.
        if (isStream(value)) setImmediate(() => value.release())
      },
      (error: unknown) => {
        // What ssh2 trips over while it handles a packet is the end of the connection there, and no answer.
        if (error instanceof TypeError) this.#teller.guard(() => rethrow(error))
        afterEnd(() => done(error))
      },
    )
  }

  #done(callback: unknown): (...args: readonly unknown[]) => void {
    return (...args) => {
      if (typeof callback === 'function') this.#teller.guard(() => void Reflect.apply(callback, this, args))
    }
  }

  /** What fails by the end of the connection is told after it. */
  #afterEnd(): (work: () => void) => void {
    const peer = this.#peer
    return (work) => (peer === undefined ? work() : peer.afterEnd(work))
  }

  #pending<T>(call: Promise<T>): Promise<T> {
    return this.#peer?.calls.follow(call) ?? call
  }

  #failed({ error, isKnownToSsh2 }: Ending): void {
    if (error !== undefined && (isKnownToSsh2 || this.#teller.hasListeners('error'))) this.#teller.tell('error', error)
  }

  #ended({ isOrderly }: Ending): void {
    if (isOrderly) this.#teller.tell('end')
    this.#teller.tell('close')
  }
}
