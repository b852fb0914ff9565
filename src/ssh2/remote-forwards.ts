import type { ChannelSink, Channel as CoreChannel } from '../connection/channel.js'
import type { OpenDecision } from '../connection/mux.js'
import { agentChannelType } from '../forward/agent-forward.js'
import { decodeForwardedStreamlocal, decodeTcpOpening } from '../wire/forward-messages.js'
import { openFailure } from '../wire/numbers.js'
import { Reader } from '../wire/reader.js'
import { AgentStream } from './agent-stream.js'
import { type AgentLike, ownStreamOf } from './agents.js'
import type { Channel } from './channel.js'

/** Who hears of channels that the server opens. */
export interface ForwardOwner {
  tell(event: string, ...args: readonly unknown[]): boolean
  hasListeners(event: string): boolean
  guard(work: () => void): void
}

type Answer = 'none' | 'accepted' | 'rejected'

/** What the server may open towards us, because the program asked for it. */
export class RemoteForwards {
  readonly #owner: ForwardOwner
  /** By address and port as they were asked for; the port that was taken. */
  readonly #tcp = new Map<string, number>()
  readonly #unix = new Set<string>()
  #x11 = 0
  #makeStream: ((type: string) => Channel) | undefined

  constructor(owner: ForwardOwner) {
    this.#owner = owner
  }

  /** Channels can come from now on. @param makeStream makes the stream of one */
  attach(makeStream: (type: string) => Channel): void {
    this.#makeStream = makeStream
  }

  addTcp(host: string, port: number): void {
    this.#tcp.set(key(host, port), port)
  }

  removeTcp(host: string, port: number): void {
    this.#tcp.delete(key(host, port))
  }

  addUnix(path: string): void {
    this.#unix.add(path)
  }

  removeUnix(path: string): void {
    this.#unix.delete(path)
  }

  /** A session may have X11 connections passed on. @returns how to take that back */
  addX11(): () => void {
    this.#x11++
    return () => void this.#x11--
  }

  channelOpen(type: string, data: Buffer): OpenDecision {
    switch (type) {
      case 'forwarded-tcpip': {
        const { to, originator } = decodeTcpOpening(type, data)
        const port = this.#tcp.get(key(to.host, to.port)) ?? (to.port === 0 ? this.#onlyPort(to.host) : undefined)
        if (port === undefined) break
        const source = { srcIP: originator.host, srcPort: originator.port }
        return this.#offer('tcp connection', type, { destIP: to.host, destPort: port, ...source })
      }
      case 'forwarded-streamlocal@openssh.com': {
        const socketPath = decodeForwardedStreamlocal(data)
        if (!this.#unix.has(socketPath)) break
        return this.#offer('unix connection', type, { socketPath })
      }
      case 'x11': {
        if (this.#x11 === 0) break
        const reader = new Reader('x11 channel', data)
        const details = { srcIP: reader.text('originator address'), srcPort: reader.uint32('originator port') }
        return this.#offer('x11', type, details)
      }
      default:
        return { refuse: openFailure.UNKNOWN_CHANNEL_TYPE, description: '' }
    }
    return { refuse: openFailure.ADMINISTRATIVELY_PROHIBITED, description: '' }
  }

  /** @param otherwise what is done where the program's agent makes no stream of its own, or was not lent */
  agentChannel(agent: AgentLike | undefined, otherwise: OpenDecision): OpenDecision {
    const open = agent && ownStreamOf(agent)
    if (open === undefined || 'refuse' in otherwise) return otherwise
    const stream = this.#makeStream?.(agentChannelType)
    if (stream === undefined) return { refuse: openFailure.ADMINISTRATIVELY_PROHIBITED, description: '' }
    const accept = (channel: CoreChannel): ChannelSink => {
      const joined = new AgentStream(stream)
      const sink = joined.watch(stream.attach(channel))
      this.#owner.guard(() => open((error, far) => joined.join(error, far)))
      return sink
    }
    return { accept }
  }

  /** Some servers say 0 where they listen at a port of their own choice. */
  #onlyPort(host: string): number | undefined {
    const ports = [...this.#tcp].filter(([place]) => place.startsWith(`${host}:`)).map(([, port]) => port)
    return ports.length === 1 ? ports[0] : undefined
  }

  /**
   * The program answers by `accept()` or `reject()`, at once or later. Where it has not answered yet the channel is
   * opened, so that nobody waits for that; what it brings waits here, and a late `reject()` closes it.
   */
  #offer(event: string, type: string, details: object): OpenDecision {
    const stream = this.#makeStream?.(type)
    if (stream === undefined || !this.#owner.hasListeners(event))
      return { refuse: openFailure.ADMINISTRATIVELY_PROHIBITED, description: '' }
    const answer: { given: Answer; isOpen: boolean } = { given: 'none', isOpen: false }
    const accept = () => {
      if (answer.given === 'none') answer.given = 'accepted'
      // Later: the program has no listeners on it yet.
      setImmediate(() => stream.release())
      return stream
    }
    const reject = () => {
      if (answer.given !== 'none') return
      answer.given = 'rejected'
      if (answer.isOpen) stream.close()
    }
    this.#owner.tell(event, details, accept, reject)
    if (answer.given === 'rejected') return { refuse: openFailure.CONNECT_FAILED, description: '' }
    answer.isOpen = true
    return { accept: (channel: CoreChannel): ChannelSink => stream.attach(channel) }
  }
}

function key(host: string, port: number): string {
  return `${host}:${port}`
}
