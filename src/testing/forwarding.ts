import net from 'node:net'
import type { Channel, ChannelSink } from '../connection/channel.js'
import type { GlobalReply } from '../connection/global-replies.js'
import type { OpenDecision } from '../connection/mux.js'
import { ChannelStream } from '../forward/channel-stream.js'
import { listen } from '../forward/local-listener.js'
import type { TunnelTarget } from '../forward/options.js'
import type { ForwardPort } from '../forward/port.js'
import { relay } from '../forward/relay.js'
import { socketPathProblem } from '../forward/socket-path.js'
import { discard } from '../socket/stream.js'
import {
  decodeDirectStreamlocal,
  decodeStreamlocalForward,
  decodeTcpForward,
  decodeTcpOpening,
  encodeBoundPort,
  encodeForwardedStreamlocal,
  encodeTcpOpening,
} from '../wire/forward-messages.js'
import { openFailure } from '../wire/numbers.js'

/** Milliseconds. The address is a literal, so that nothing has to be looked up. */
const listenLimit = 10_000
const none = Buffer.alloc(0)

/** What one client has connected from here, and where it has us listen (RFC 4254 section 7, OpenSSH PROTOCOL section 2.4). */
export class Forwarding {
  readonly #connection: () => ForwardPort
  /** By what the client calls the place. */
  readonly #servers = new Map<string, net.Server>()
  readonly #sockets = new Set<net.Socket>()
  #isOver = false

  constructor(connection: () => ForwardPort) {
    this.#connection = connection
  }

  /**
   * A channel is open at once, and closed where nothing is reached.
   * @returns undefined for a channel of another type
   */
  channelOpen(type: string, data: Buffer): OpenDecision | undefined {
    if (type !== 'direct-tcpip' && type !== 'direct-streamlocal@openssh.com') return undefined
    const target = type === 'direct-tcpip' ? decodeTcpOpening(type, data).to : { path: decodeDirectStreamlocal(data) }
    if (!exists(target)) return { refuse: openFailure.CONNECT_FAILED, description: 'there is no such place' }
    return { accept: (channel) => this.#connect(channel, target) }
  }

  globalRequest(name: string, data: Buffer): GlobalReply | Promise<GlobalReply> {
    switch (name) {
      case 'tcpip-forward':
        return this.#listenTcp(decodeTcpForward(data))
      case 'cancel-tcpip-forward':
        return this.#cancel(nameOf(decodeTcpForward(data)))
      case 'streamlocal-forward@openssh.com':
        return this.#listenUnix(decodeStreamlocalForward(data))
      case 'cancel-streamlocal-forward@openssh.com':
        return this.#cancel(nameOf({ path: decodeStreamlocalForward(data) }))
      default:
        return undefined
    }
  }

  /** The connection is over. */
  end(): void {
    this.#isOver = true
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
    for (const socket of this.#sockets) discard(socket)
  }

  #connect(channel: Channel, target: net.NetConnectOpts): ChannelSink {
    const near = new ChannelStream()
    const sink = near.attach(channel)
    const far = net.connect({ ...target, allowHalfOpen: true })
    this.#watch(far)
    relay(near, far, this.#connection())
    return sink
  }

  /** On loopback alone, whatever address was asked for, as sshd without GatewayPorts. */
  async #listenTcp({ host, port }: { readonly host: string; readonly port: number }): Promise<GlobalReply> {
    if (!exists({ host, port })) return undefined
    const bound = await this.#listen({ host: '127.0.0.1', port })
    if (bound === undefined) return undefined
    const { server, address } = bound
    const to = { host, port: address.port ?? 0 }
    this.#serve(server, to, 'forwarded-tcpip', ({ remoteAddress = '', remotePort = 0 }) =>
      encodeTcpOpening({ to, originator: { host: remoteAddress, port: remotePort } }),
    )
    return port === 0 ? encodeBoundPort(to.port) : none
  }

  async #listenUnix(path: string): Promise<GlobalReply> {
    const bound = exists({ path }) ? await this.#listen({ path }) : undefined
    if (bound === undefined) return undefined
    const opening = encodeForwardedStreamlocal(path)
    this.#serve(bound.server, { path }, 'forwarded-streamlocal@openssh.com', () => opening)
    return none
  }

  async #listen(place: TunnelTarget) {
    const port = this.#connection()
    const bound = await listen(place, { port, signal: undefined, limitMs: listenLimit }).catch(() => undefined)
    if (this.#isOver) bound?.server.close()
    return this.#isOver ? undefined : bound
  }

  #serve(server: net.Server, place: TunnelTarget, type: string, opening: (socket: net.Socket) => Buffer): void {
    this.#servers.set(nameOf(place), server)
    server.on('connection', (socket) => {
      this.#watch(socket)
      void this.#passOn(socket, type, opening(socket))
    })
  }

  async #passOn(socket: net.Socket, type: string, opening: Buffer): Promise<void> {
    const connection = this.#connection()
    const far = new ChannelStream()
    try {
      await connection.open(type, opening, (channel) => far.attach(channel))
      // Either may be over before the other is known to be there.
      if (far.destroyed) discard(socket)
      else if (socket.destroyed) far.destroy()
      else relay(socket, far, connection)
    } catch {
      discard(socket)
    }
  }

  /** What is connected already goes on. */
  #cancel(place: string): GlobalReply {
    const server = this.#servers.get(place)
    this.#servers.delete(place)
    server?.close()
    return server && none
  }

  #watch(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
  }
}

/** What Node would throw for, or take for another place. */
function exists({ path, port = 0 }: TunnelTarget): boolean {
  if (path === undefined) return port <= 65_535
  return path !== '' && !path.includes('\0') && socketPathProblem(path) === undefined
}

function nameOf({ host, port, path }: TunnelTarget): string {
  return path === undefined ? `${host} ${port}` : `unix ${path}`
}
