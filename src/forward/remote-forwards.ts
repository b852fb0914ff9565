import type { Channel } from '../connection/channel.js'
import type { OpenDecision } from '../connection/mux.js'
import { asHoldfastError, HoldfastError } from '../errors.js'
import type { Deadline } from '../liveness/deadlines.js'
import {
  decodeBoundPort,
  decodeForwardedStreamlocal,
  decodeTcpOpening,
  encodeStreamlocalForward,
  encodeTcpForward,
  type TcpPlace,
} from '../wire/forward-messages.js'
import { openFailure } from '../wire/numbers.js'
import { printable } from '../wire/printable.js'
import { Forward, type ForwardedConnection } from './forward.js'
import type { ForwardAddress, ListenPlace, RemoteForwardSettings } from './listen-options.js'
import { reachLocally } from './local-target.js'
import { targetText } from './options.js'
import type { ForwardPort } from './port.js'
import { Tunnel } from './tunnel.js'

export interface RemoteForwardsHost {
  readonly port: ForwardPort
  /** Milliseconds. */
  readonly limits: Readonly<Record<'dns' | 'tcp' | 'channelClose', number>>
}

interface Listener {
  readonly forward: Forward
  readonly settings: RemoteForwardSettings
  /** When the server is asked again. */
  retry?: Deadline | undefined
}

/**
 * A server that has not noticed yet that our last connection is gone still holds the place for that one, and refuses it to the
 * next. It may notice after seconds or hours.
 */
const retryDelays = { firstMs: 1000, longestMs: 30_000 }

function refusal(description: string): OpenDecision {
  return { refuse: openFailure.ADMINISTRATIVELY_PROHIBITED, description }
}

/** Places at which the server listens for us (RFC 4254 section 7.1, OpenSSH PROTOCOL section 2.4). */
export class RemoteForwards {
  readonly #host: RemoteForwardsHost
  readonly #listeners = new Set<Listener>()
  /** Given up here, and by the server as far as we know not yet. */
  readonly #leaving = new Set<Listener>()
  /** Whose a channel is. One that we closed counts until the server closes it too: else it could open as many as it likes. */
  readonly #owners = new WeakMap<Channel, Listener>()
  /** Counts connections: what comes of an earlier one is of no interest. */
  #connection = 0

  constructor(host: RemoteForwardsHost) {
    this.#host = host
  }

  /** @throws HoldfastError ERR_SSH_REQUEST_REFUSED, ERR_SSH_TIMEOUT (limit `reply`), ERR_SSH_ABORTED */
  async listen(settings: RemoteForwardSettings): Promise<Forward> {
    const { listen: place, signal } = settings
    const taken: { listener?: Listener; isGivenUp?: true } = {}
    const granted = (reply: Buffer) => {
      taken.listener = this.#add(boundTo(place, reply), settings)
      if (taken.isGivenUp) void taken.listener.forward.close()
    }
    try {
      await this.#host.port.globalRequest(requestName(place), encodePlace(place), { signal, granted })
    } catch (error) {
      taken.isGivenUp = true
      void taken.listener?.forward.close()
      throw this.#explain(error, place)
    }
    if (taken.listener === undefined) throw new RangeError('granted, and nobody was told')
    return taken.listener.forward
  }

  /** The connection was lost, and another one is to come. */
  away(): void {
    this.#connection++
    this.#leaving.clear()
    for (const listener of this.#listeners) {
      listener.retry?.cancel()
      listener.forward.away()
    }
  }

  /** There is another connection: the server is asked to listen where it did. */
  back(): void {
    for (const listener of this.#listeners) void this.#listenAgain(listener, retryDelays.firstMs)
  }

  /** Somebody connected to where the server listens for us. */
  channelOpen(type: string, data: Buffer): OpenDecision {
    // Whoever has asked for none reads nothing of what is sent for it.
    if (this.#listeners.size === 0) return refusal(`${type} channels are not accepted`)
    if (type === 'forwarded-tcpip') {
      const { to, originator } = decodeTcpOpening(type, data)
      return this.#decide(this.#findTcp(to), originator)
    }
    if (type === 'forwarded-streamlocal@openssh.com') {
      const path = decodeForwardedStreamlocal(data)
      return this.#decide(find(this.#listeners, (address) => address.path === path))
    }
    return refusal(`${type} channels are not accepted`)
  }

  #decide(listener: Listener | undefined, originator?: TcpPlace): OpenDecision {
    if (listener === undefined) return refusal('nothing is forwarded from there')
    if (this.#isFull(listener)) return this.#refuseOneMore(listener, originator)
    return { accept: (channel) => this.#accept(listener, channel, originator) }
  }

  /** The forward counts those that are still being passed on, whatever became of their channels. */
  #isFull(listener: Listener): boolean {
    const { forward, settings } = listener
    const held = [...this.#host.port.channels].filter((channel) => this.#owners.get(channel) === listener).length
    return Math.max(held, forward.connections) >= settings.maxConnections
  }

  #refuseOneMore({ forward, settings }: Listener, originator: TcpPlace | undefined): OpenDecision {
    const text = `the server opened more than ${settings.maxConnections} connections at once`
    const hint = 'raise maxConnections of the forward if that many are to be expected'
    forward.failed(new HoldfastError('ERR_SSH_FORWARD', text, { phase: 'ready', hint }), nameOf(originator))
    return { refuse: openFailure.RESOURCE_SHORTAGE, description: 'too many connections at once' }
  }

  #accept(listener: Listener, channel: Channel, originator: TcpPlace | undefined) {
    const { port, limits } = this.#host
    const { forward, settings } = listener
    const { idleMs, to } = settings
    this.#owners.set(channel, listener)
    const name = targetText(forward.address)
    const tunnel = new Tunnel({ port, idleMs, signal: undefined, name, ...nameOf(originator) })
    const sink = tunnel.attach(channel)
    if (typeof to === 'function') forward.handOver(tunnel, to)
    else void forward.carry(tunnel, (signal) => reachLocally(to, { port, limits, signal }))
    return sink
  }

  #add(address: ForwardAddress, settings: RemoteForwardSettings): Listener {
    const { port } = this.#host
    const forward = new Forward({ port, address, signal: settings.signal, stop: () => this.#cancel(listener) })
    const listener: Listener = { forward, settings }
    this.#listeners.add(listener)
    return listener
  }

  /** Never rejects. A forward that is closed meanwhile takes the place back by itself, behind this request. */
  async #listenAgain(listener: Listener, delayMs: number): Promise<void> {
    const { port } = this.#host
    const { address } = listener.forward
    const connection = this.#connection
    const isCurrent = () => connection === this.#connection && this.#listeners.has(listener)
    try {
      await port.globalRequest(requestName(address), encodePlace(address))
      if (isCurrent()) listener.forward.back()
    } catch (error) {
      if (!isCurrent()) return
      const next = Math.min(2 * delayMs, retryDelays.longestMs)
      listener.retry = port.deadlines.add(port.now() + delayMs, () => void this.#listenAgain(listener, next))
      listener.forward.refused(asHoldfastError(this.#explain(error, address)), delayMs)
    }
  }

  /** A server that does not give it up sends connections, which are refused. */
  async #cancel(listener: Listener): Promise<void> {
    const { port, limits } = this.#host
    const { address } = listener.forward
    this.#listeners.delete(listener)
    listener.retry?.cancel()
    if (port.isAway === true) return
    this.#leaving.add(listener)
    const wait = port.waits.start<void>({
      limit: 'channelClose',
      limitMs: limits.channelClose,
      clock: 'peer',
      phase: 'close',
      what: `the server to give up ${targetText(address)}`,
    })
    const patience = new AbortController()
    const granted = () => this.#leaving.delete(listener)
    const options = { signal: patience.signal, granted }
    port.globalRequest(`cancel-${requestName(address)}`, encodePlace(address), options).then(
      () => wait.resolve(),
      () => wait.resolve(),
    )
    await wait.promise.catch(() => patience.abort())
  }

  /** Servers name the place as it was asked for, or the address that they bound; the port tells as well. */
  #findTcp({ host, port }: TcpPlace): Listener | undefined {
    const isExact = (address: ForwardAddress) => address.port === port && address.host === host
    const exact = find(this.#listeners, isExact)
    if (exact !== undefined || find(this.#leaving, isExact) !== undefined) return exact
    return find(this.#listeners, (address) => address.port === port)
  }

  #explain(error: unknown, place: ListenPlace): unknown {
    if (!(error instanceof HoldfastError) || error.code !== 'ERR_SSH_REQUEST_REFUSED') return error
    return new HoldfastError(error.code, `the server refuses to listen at ${targetText(place)}`, {
      ...this.#host.port.errorDetails(),
      phase: 'request',
      hint: refusalHint(place),
      cause: error,
    })
  }
}

/** sshd takes the file of a socket away neither when the forward is closed nor when the connection is lost. */
function refusalHint(place: ListenPlace): string {
  if (place.path === undefined)
    return 'it may be taken there, or forbidden (sshd: AllowTcpForwarding, PermitListen, ports below 1024)'
  return 'a socket left there by a forward that has ended may be in the way: remove the file, or say StreamLocalBindUnlink yes in sshd_config; or it is forbidden (sshd: AllowStreamLocalForwarding)'
}

function find(listeners: Iterable<Listener>, isIt: (address: ForwardAddress) => boolean): Listener | undefined {
  return [...listeners].find(({ forward }) => isIt(forward.address))
}

/** Whoever connected, as the server names them. */
function nameOf(originator: TcpPlace | undefined): ForwardedConnection {
  return { remoteAddress: originator && printable(originator.host), remotePort: originator?.port }
}

function requestName(place: ListenPlace): string {
  return place.path === undefined ? 'tcpip-forward' : 'streamlocal-forward@openssh.com'
}

function encodePlace(place: ListenPlace): Buffer {
  return place.path === undefined ? encodeTcpForward(place) : encodeStreamlocalForward(place.path)
}

/** The answer names the port where that was left to the server. */
function boundTo(place: ListenPlace, reply: Buffer): ForwardAddress {
  return place.port === 0 ? { host: place.host, port: decodeBoundPort(reply) } : place
}
