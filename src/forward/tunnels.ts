import type { Socket } from 'node:net'
import type { OpenDecision } from '../connection/mux.js'
import { ChannelOpenError } from '../connection/openings.js'
import { HoldfastError } from '../errors.js'
import { checkNames } from '../session/option-error.js'
import { discard } from '../socket/stream.js'
import { encodeDirectStreamlocal, encodeTcpOpening, type TcpPlace } from '../wire/forward-messages.js'
import { openFailure } from '../wire/numbers.js'
import { Forward } from './forward.js'
import {
  type DynamicForwardOptions,
  type DynamicForwardSettings,
  type ForwardOptions,
  type RemoteForwardOptions,
  resolveDynamicForward,
  resolveForward,
  resolveRemoteForward,
} from './listen-options.js'
import { listen } from './local-listener.js'
import {
  type ConnectToOptions,
  checkTarget,
  resolveHalfOpen,
  resolveOptions,
  type TunnelSettings,
  type TunnelTarget,
  targetText,
  tunnelOptionNames,
} from './options.js'
import type { ForwardPort } from './port.js'
import { RemoteForwards } from './remote-forwards.js'
import { encodeSocksReply, type SocksReply } from './socks.js'
import { socksHandshake } from './socks-handshake.js'
import { Tunnel } from './tunnel.js'

/** Milliseconds. */
export type TunnelLimits = Readonly<Record<'dns' | 'tcp' | 'identification' | 'channelClose', number>>

/** Who a tunnel is for, where no connection of anybody stands behind it. */
const ourselves: TcpPlace = { host: '127.0.0.1', port: 0 }

/** How many connections of one forward may wait for an SSH connection that is away. */
const maxWaiting = 256

/** The tunnels and forwards of one client. */
export class Tunnels {
  readonly #port: ForwardPort
  readonly #limits: TunnelLimits
  readonly #remote: RemoteForwards

  constructor(port: ForwardPort, limits: TunnelLimits) {
    this.#port = port
    this.#limits = limits
    this.#remote = new RemoteForwards({ port, limits })
  }

  /**
   * Has the server connect to a host and port, or to a Unix socket.
   * @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_CHANNEL_OPEN, ERR_SSH_TIMEOUT (limit `channelOpen`), ERR_SSH_ABORTED
   */
  async connectTo(target: TunnelTarget, options: ConnectToOptions = {}): Promise<Tunnel> {
    checkNames(options, [...tunnelOptionNames, 'allowHalfOpen'])
    const allowHalfOpen = resolveHalfOpen(options)
    const tunnel = await this.#open(checkTarget(target, 'target'), resolveOptions(options), ourselves)
    tunnel.allowHalfOpen = allowHalfOpen
    return tunnel
  }

  /**
   * Listens on this machine, and passes each connection on to where the server reaches it.
   * @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_LISTEN, ERR_SSH_ABORTED
   */
  async forwardLocal(options: ForwardOptions): Promise<Forward> {
    const { to, ...settings } = resolveForward(options)
    const { idleMs } = settings
    return this.#listenHere(settings, (socket, signal) => this.#open(to, { idleMs, signal }, originOf(socket)))
  }

  /**
   * Has the server listen, and passes each connection on to what this machine reaches.
   * @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_REQUEST_REFUSED, ERR_SSH_TIMEOUT (limit `reply`), ERR_SSH_ABORTED
   */
  async forwardRemote(options: RemoteForwardOptions): Promise<Forward> {
    return this.#remote.listen(resolveRemoteForward(options))
  }

  /**
   * Listens on this machine as a SOCKS proxy (4, 4a and 5), whose connections the server makes.
   * @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_LISTEN, ERR_SSH_ABORTED
   */
  async forwardDynamic(options: DynamicForwardOptions = {}): Promise<Forward> {
    const settings = resolveDynamicForward(options)
    const { idleMs } = settings
    return this.#listenHere(settings, (socket, signal) => this.#openForSocks(socket, { idleMs, signal }))
  }

  /** The connection was lost, and another one is to come. Listeners of this machine stay. */
  away(): void {
    this.#remote.away()
  }

  /** There is another connection. */
  back(): void {
    this.#remote.back()
  }

  /** The server opens a channel. */
  channelOpen(type: string, data: Buffer): OpenDecision {
    return this.#remote.channelOpen(type, data)
  }

  async #listenHere(
    { listen: place, signal }: DynamicForwardSettings,
    reach: (socket: Socket, signal: AbortSignal) => Promise<Tunnel>,
  ): Promise<Forward> {
    const port = this.#port
    const { server, address } = await listen(place, { port, signal, limitMs: this.#limits.dns })
    const forward = new Forward({ port, address, signal, stop: () => void server.close() })
    server.on('error', (error) => forward.failed(error, { remoteAddress: undefined, remotePort: undefined }))
    server.on('connection', (socket) => {
      if (port.isAway === true && forward.connections >= maxWaiting) this.#turnAway(socket, forward)
      else void forward.carry(socket, (gone) => reach(socket, gone))
    })
    return forward
  }

  #turnAway(socket: Socket, forward: Forward): void {
    const { remoteAddress, remotePort } = socket
    const text = `${maxWaiting} connections wait for the SSH connection already, which is being made anew`
    const details = { ...this.#port.errorDetails(), phase: 'reconnect', cause: this.#port.awayFor } as const
    forward.failed(new HoldfastError('ERR_SSH_FORWARD', text, details), { remoteAddress, remotePort })
    discard(socket)
  }

  async #openForSocks(socket: Socket, settings: TunnelSettings & { readonly signal: AbortSignal }): Promise<Tunnel> {
    const context = { port: this.#port, limitMs: this.#limits.identification, signal: settings.signal }
    const { version, to } = await socksHandshake(socket, context)
    try {
      const tunnel = await this.#open(to, settings, originOf(socket))
      socket.write(encodeSocksReply(version, 'granted'))
      return tunnel
    } catch (error) {
      socket.end(encodeSocksReply(version, socksReplyTo(error)))
      throw error
    }
  }

  async #open(target: TunnelTarget, settings: TunnelSettings, originator: TcpPlace): Promise<Tunnel> {
    const name = targetText(target)
    const tunnel = new Tunnel({
      ...settings,
      port: this.#port,
      name,
      remoteAddress: target.host,
      remotePort: target.port,
    })
    const { type, data } = openingOf(target, originator)
    try {
      await this.#port.open(type, data, (channel) => tunnel.attach(channel), { signal: settings.signal })
      return tunnel
    } catch (error) {
      throw error instanceof ChannelOpenError ? this.#refused(name, error) : error
    }
  }

  #refused(name: string, cause: ChannelOpenError): HoldfastError {
    const hint = hints.get(cause.reason)
    const details = { ...this.#port.errorDetails(), phase: 'channelOpen', hint, cause } as const
    return new HoldfastError('ERR_SSH_CHANNEL_OPEN', `there is no way to ${name}: ${cause.message}`, details)
  }
}

function originOf({ remoteAddress: host, remotePort: port }: Socket): TcpPlace {
  return host === undefined || port === undefined ? ourselves : { host, port }
}

function socksReplyTo(error: unknown): SocksReply {
  const cause = error instanceof HoldfastError ? error.cause : undefined
  if (!(cause instanceof ChannelOpenError)) return 'failed'
  if (cause.reason === openFailure.CONNECT_FAILED) return 'unreachable'
  return cause.reason === openFailure.ADMINISTRATIVELY_PROHIBITED ? 'forbidden' : 'failed'
}

function openingOf(target: TunnelTarget, originator: TcpPlace): { readonly type: string; readonly data: Buffer } {
  if (target.path === undefined) return { type: 'direct-tcpip', data: encodeTcpOpening({ to: target, originator }) }
  return { type: 'direct-streamlocal@openssh.com', data: encodeDirectStreamlocal(target.path) }
}

const hints = new Map<number, string>([
  [
    openFailure.ADMINISTRATIVELY_PROHIBITED,
    'the server forbids it (sshd: AllowTcpForwarding, AllowStreamLocalForwarding, PermitOpen, the options of the key)',
  ],
  [openFailure.CONNECT_FAILED, 'the server could not connect there: host and port are as seen from the server'],
])
