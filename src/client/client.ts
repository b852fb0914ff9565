import { EventEmitter } from 'node:events'
import process from 'node:process'
import { diagnostics } from '../diagnostics.js'
import type { HoldfastError } from '../errors.js'
import type { Forward } from '../forward/forward.js'
import type { DynamicForwardOptions, ForwardOptions, RemoteForwardOptions } from '../forward/listen-options.js'
import type { ConnectToOptions, TunnelTarget } from '../forward/options.js'
import type { Tunnel } from '../forward/tunnel.js'
import type { Tunnels } from '../forward/tunnels.js'
import type { NegotiatedAlgorithms } from '../kex/negotiation.js'
import { nextTurn } from '../keys/next-turn.js'
import { type Duration, parseDuration } from '../liveness/duration.js'
import type { Liveness, LivenessChange } from '../liveness/port.js'
import { PublicKeys } from '../publickey/public-keys.js'
import { Scp } from '../scp/scp.js'
import type { Command } from '../session/command.js'
import type { ExecOptions, ShellOptions, SpawnOptions } from '../session/options.js'
import type { CommandResult } from '../session/outcome.js'
import type { Sessions } from '../session/sessions.js'
import type { CallOptions } from '../sftp/settings.js'
import { Sftp } from '../sftp/sftp.js'
import type { SftpHost } from '../sftp/sftp-session.js'
import { type HostKeysEvent, hostKeysRequest, mayUpdate, updateHostKeys } from './host-key-updates.js'
import { ClientKeepalive } from './keepalive.js'
import { type ClientState, type Line, type LineEvents, SingleLine } from './line.js'
import type { Link } from './link.js'
import type { Face } from './new-connection.js'
import { boundKeepalive, limitBound } from './policy/bounds.js'
import type { ReconnectAttempt, Reconnection } from './reconnect/redial.js'
import { type OpenWay, StandingLine } from './reconnect/standing-line.js'
import type { Settings } from './settings.js'
import { type ClientStats, readStats } from './stats.js'
import { withoutSftp } from './without-sftp.js'

export interface ClientEvents {
  /** The peer became `suspect`, `alive` again, or `dead`, which comes before `close`. */
  liveness: [change: LivenessChange]
  /** With `reconnect`: the connection was lost, or an attempt to make it anew failed, and another attempt is planned. */
  reconnecting: [attempt: ReconnectAttempt]
  /** The connection is there again. */
  reconnected: [reconnection: Reconnection]
  /** The connection is over for good; everything on it has been settled. The reason is that of `closed`. */
  close: [reason: HoldfastError]
  /** What the server shows before authentication, cleaned of control characters. */
  banner: [text: string]
  /** The server told of all its host keys (OpenSSH PROTOCOL 2.5), and the known_hosts file may have been updated. */
  hostkeys: [event: HostKeysEvent]
}

/** What `close()` takes. */
export interface CloseOptions {
  /** How long flushing and saying goodbye may take; then the connection is reset. @default the limit `close`, 2 s */
  readonly timeout?: Duration | undefined
}

/**
 * A connection to a server. It has no `error` event: what fails is told to the call that it fails, and the end of the
 * connection to `closed` and `close`.
 */
export class Client extends EventEmitter<ClientEvents> implements AsyncDisposable {
  /** Probes: what holds, how to change it, and how to ask now. */
  readonly keepalive: ClientKeepalive
  readonly #line: Line
  /** What came before the program could listen. */
  readonly #early: (() => void)[] = []
  #isOpen = false
  /** Of which connection the host keys have been told. */
  #announcedBy: Link | undefined

  /** Dials and authenticates. Use `connect()`, which checks its options. @internal */
  static async open(settings: Settings, openWay: OpenWay, face?: Face): Promise<Client> {
    const client = new Client(settings, openWay, face)
    await client.#line.open()
    client.#isOpen = true
    // By the next tick the caller has the client, and its listeners on it.
    process.nextTick(() => {
      for (const tell of client.#early.splice(0)) tell()
    })
    return client
  }

  private constructor(settings: Settings, openWay: OpenWay, face: Face | undefined) {
    super()
    // What stays of them must not hold the others: keys and passwords are among them.
    const { reconnect, policy, limits } = settings
    const events: LineEvents = {
      livenessChanged: (change) => this.#tell('liveness', change),
      banner: (text) => this.#whenOpen(() => this.#tell('banner', text)),
      globalRequest: (name, data, link) => this.#receiveAnnouncement(name, Buffer.from(data), link),
      planned: (attempt) => this.#tell('reconnecting', attempt),
      connected: (reconnection) => this.#tell('reconnected', reconnection),
      ended: (cause) => this.#tell('close', cause),
    }
    const line =
      reconnect === undefined
        ? new SingleLine(settings, events, face)
        : new StandingLine({ settings, reconnect, openWay }, events)
    this.#line = line
    this.keepalive = new ClientKeepalive({
      connection: () => line.link.connection,
      replyLimitMs: limits.reply,
      replyBoundMs: limitBound(policy, 'reply'),
      tighten: (keepalive) => boundKeepalive(policy, keepalive),
      setTcp: (tcp) => line.link.setTcpKeepalive(tcp),
    })
  }

  /** Whether there is a connection. Without `reconnect` it is `connected` until it is `closed`. */
  get state(): ClientState {
    return this.#line.state
  }

  /** What is known of the peer, at this moment. */
  get liveness(): Liveness {
    const { connection } = this.#line.link
    return connection.keepalive.liveness(connection.now())
  }

  /** What both sides agreed on (RFC 4253 section 7.1), and what the peer says it is. */
  get negotiated(): NegotiatedAlgorithms | undefined {
    return this.#line.link.connection.negotiated
  }

  /** Resolves with the reason once the connection is over for good: ERR_SSH_CLOSED after `close()`. Never rejects. */
  get closed(): Promise<HoldfastError> {
    return this.#line.closed
  }

  /** What there is to know of the connection, at this moment. */
  stats(): ClientStats {
    return readStats(this.#line)
  }

  /**
   * Runs a command to its end, and gives what it wrote. Its input is `stdin`; without that, it ends at once.
   * @throws CommandError when it could not be started, a limit or `signal` ended it, `check` was asked for and its exit
   * code is not 0, or the connection was lost; HoldfastError ERR_SSH_OPTION
   */
  exec(command: string, options: ExecOptions & { readonly encoding: 'buffer' }): Promise<CommandResult<Buffer>>
  exec(command: string, options?: ExecOptions & { readonly encoding?: 'utf8' | undefined }): Promise<CommandResult>
  exec(command: string, options?: ExecOptions): Promise<CommandResult<string | Buffer>>
  exec(command: string, options?: ExecOptions): Promise<CommandResult<string | Buffer>> {
    return this.#commands.exec(command, options)
  }

  /** Starts a command, to be used by its streams. Resolves when the server accepted it. @throws as `exec` */
  spawn(command: string, options?: SpawnOptions): Promise<Command> {
    return this.#commands.spawn(command, options)
  }

  /** Starts the user's shell, with a terminal unless `pty` is false. @throws as `exec` */
  shell(options?: ShellOptions): Promise<Command> {
    return this.#commands.shell(options)
  }

  /** Starts a subsystem of the server by its name. @throws as `exec` */
  subsystem(name: string, options?: SpawnOptions): Promise<Command> {
    return this.#commands.subsystem(name, options)
  }

  /**
   * The files of the server, in the manner of `node:fs/promises`, over a session of their own. `signal` holds for the life
   * of that session: it ends then, and with it all that waits.
   * @throws HoldfastError ERR_SSH_REQUEST_REFUSED, ERR_SSH_CHANNEL_CLOSED where the server has no SFTP, ERR_SSH_TIMEOUT, ERR_SSH_ABORTED,
   * ERR_SSH_SFTP_PROTOCOL where what answers is no SFTP server
   */
  async sftp(options: CallOptions = {}): Promise<Sftp> {
    const next = async (signal: AbortSignal | undefined, spentMs = 0) => {
      await this.#line.ready(signal, spentMs)
      return this.#sftpHost
    }
    const first = await next(options.signal)
    try {
      return await Sftp.open(first, options, this.#line.reconnect === undefined ? undefined : next)
    } catch (error) {
      throw withoutSftp(error, this.#line.link)
    }
  }

  /** Files and trees by the protocol of old scp, for servers without SFTP. */
  get scp(): Scp {
    return new Scp(() => {
      const { link, port, sessions } = this.#line
      const { limits, policy } = link.settings
      const { idleTimeout, sftp, channelClose: closeLimitMs } = limits
      const idleBoundMs = limitBound(policy, 'idleTimeout')
      return { port, sessions, idleLimitMs: idleTimeout === false ? sftp : idleTimeout, idleBoundMs, closeLimitMs }
    })
  }

  /** The keys with which its user may log in, where the server has the publickey subsystem. See `PublicKeys.open`. @internal */
  async publicKeys({ signal }: CallOptions = {}): Promise<PublicKeys> {
    await this.#line.ready(signal, 0)
    const { link, port, sessions } = this.#line
    const { reply: limitMs, channelClose: closeLimitMs } = link.settings.limits
    return PublicKeys.open({ port, sessions, limitMs, closeLimitMs }, signal)
  }

  /**
   * Has the server connect to a host and port, or to a Unix socket, as seen from there. The tunnel can be used where a
   * program takes a stream or an open socket. `signal` holds for its life.
   * @throws HoldfastError ERR_SSH_CHANNEL_OPEN where the server refuses or cannot connect, ERR_SSH_TIMEOUT (limit
   * `channelOpen`), ERR_SSH_ABORTED, ERR_SSH_OPTION
   */
  connectTo(target: TunnelTarget, options?: ConnectToOptions): Promise<Tunnel> {
    return this.#forwarding.connectTo(target, options)
  }

  /**
   * Listens on this machine; each connection is passed on to `to`, as the server reaches it. Without `listen`, at any free
   * port of 127.0.0.1. What fails then is an event of the forward.
   * @throws HoldfastError ERR_SSH_LISTEN, ERR_SSH_TIMEOUT (limit `dns`), ERR_SSH_ABORTED, ERR_SSH_OPTION
   */
  forwardLocal(options: ForwardOptions): Promise<Forward> {
    return this.#forwarding.forwardLocal(options)
  }

  /**
   * Has the server listen (RFC 4254 section 7.1); each connection is passed on to `to`, as this machine reaches it.
   * @throws HoldfastError ERR_SSH_REQUEST_REFUSED, ERR_SSH_TIMEOUT (limit `reply`), ERR_SSH_ABORTED, ERR_SSH_OPTION
   */
  forwardRemote(options: RemoteForwardOptions): Promise<Forward> {
    return this.#forwarding.forwardRemote(options)
  }

  /**
   * Listens on this machine as a SOCKS proxy (4, 4a and 5, without authentication): the server connects to whatever its
   * clients name, and looks their names up.
   * @throws HoldfastError as `forwardLocal`
   */
  forwardDynamic(options?: DynamicForwardOptions): Promise<Forward> {
    return this.#forwarding.forwardDynamic(options)
  }

  /**
   * Exchanges keys anew (RFC 4253 section 9). Resolves when the new keys are in use.
   * @throws HoldfastError ERR_SSH_TIMEOUT (limit `rekey`, 30 s), which ends the connection too, or why it ended
   */
  rekey(): Promise<void> {
    return this.#line.link.connection.rekey()
  }

  /**
   * Ends the connection. New calls are refused and pending ones settle at once with ERR_SSH_CLOSED; bytes already
   * written go out, then the peer is told. Never rejects, may be called again, and takes no longer than the limit
   * whatever the peer does. A remote command outlives the connection unless a limit ended it. A `timeout` that is no
   * duration gets a process warning, and the default in its place.
   */
  close({ timeout }: CloseOptions = {}): Promise<void> {
    return this.#line.close(this.#closeLimit(timeout))
  }

  /**
   * Lets the process end although the connection is open, also under commands that run and whose output is read. A call
   * that waits still keeps it running, and so does a command once its `exited` was asked for.
   */
  unref(): this {
    this.#line.keepRunning(false)
    return this
  }

  /** Keeps the process running while the connection is open, as a socket does. This is the default. */
  ref(): this {
    this.#line.keepRunning(true)
    return this
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Whoever closes wants the connection gone: a wrong argument must not keep it open. */
  #closeLimit(timeout: Duration | undefined): number {
    const { limits, policy } = this.#line.link.settings
    const { close } = limits
    try {
      if (timeout === undefined) return close
      return Math.min(parseDuration(timeout, 'timeout'), limitBound(policy, 'close') ?? Number.POSITIVE_INFINITY)
    } catch (error) {
      process.emitWarning(`close(): ${error instanceof Error ? error.message : String(error)}`, 'HoldfastWarning')
      return close
    }
  }

  get #sftpHost(): SftpHost {
    const { link, port, sessions } = this.#line
    const { sftp: limitMs, channelClose: closeLimitMs } = link.settings.limits
    const fellBack = (what: string, why: string) => diagnostics.fallback(() => ({ ...link.facts.about, what, why }))
    return { port, sessions, limitMs, closeLimitMs, fellBack }
  }

  get #commands(): Sessions {
    return this.#line.sessions
  }

  get #forwarding(): Tunnels {
    return this.#line.tunnels
  }

  #receiveAnnouncement(name: string, data: Buffer, link: Link): void {
    // Once, as OpenSSH does: each costs a look at the file, checks of signatures and a request.
    if (name !== hostKeysRequest || this.#announcedBy === link) return
    this.#announcedBy = link
    this.#whenOpen(() => void this.#tellHostKeys(data, link))
  }

  #whenOpen(tell: () => void): void {
    if (this.#isOpen) tell()
    else this.#early.push(tell)
  }

  /** An update that fails changes nothing, and is no reason to end a connection that works. */
  async #tellHostKeys(data: Buffer, link: Link): Promise<void> {
    // To read them took a seventh of the processor time of a login with one command: what the program asks for goes first.
    await nextTurn()
    if (this.listenerCount('hostkeys') === 0 && !mayUpdate(link)) return
    const event = await updateHostKeys(link, data).catch(() => undefined)
    if (event !== undefined) this.#tell('hostkeys', event)
  }

  /** What a listener throws is the program's to see, as an uncaught exception, and must reach nothing of ours. */
  #tell<Name extends keyof ClientEvents>(name: Name, ...args: ClientEvents[Name]): void {
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
