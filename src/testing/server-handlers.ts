import type { Channel } from '../connection/channel.js'
import type { GlobalReply } from '../connection/global-replies.js'
import type { OpenDecision, PeerHandlers } from '../connection/mux.js'
import { decodeChannelOpen, decodeChannelRequest, decodeGlobalRequest } from '../wire/connection-messages.js'
import { messageNumber, openFailure } from '../wire/numbers.js'
import type { Forwarding } from './forwarding.js'
import { Session, type SessionOptions } from './session.js'

export interface ServerHandlersOptions {
  readonly maxSessions: number
  readonly answerKeepalives: boolean
  /** Undefined where nothing is forwarded. */
  readonly forwarding: Forwarding | undefined
  /** What a new session is to know. */
  session(): SessionOptions
}

/** What one client may ask of the server: sessions, and answers to its probes. */
export class ServerHandlers implements PeerHandlers {
  readonly #options: ServerHandlersOptions
  readonly #sessions = new Set<Session>()

  constructor(options: ServerHandlersOptions) {
    this.#options = options
  }

  get sessions(): number {
    return this.#sessions.size
  }

  channelOpen(type: string, data: Buffer): OpenDecision {
    const direct = this.#options.forwarding?.channelOpen(type, data)
    if (direct !== undefined) return direct
    if (type !== 'session') return { refuse: openFailure.UNKNOWN_CHANNEL_TYPE, description: 'unknown channel type' }
    // The words and the reason of sshd for a session beyond MaxSessions.
    if (this.sessions >= this.#options.maxSessions)
      return { refuse: openFailure.CONNECT_FAILED, description: 'open failed' }
    return { accept: (channel) => this.#accept(channel) }
  }

  globalRequest(name: string, data: Buffer): GlobalReply | Promise<GlobalReply> {
    return this.#options.forwarding?.globalRequest(name, data)
  }

  ignores(payload: Buffer): boolean {
    return !this.#options.answerKeepalives && purposeOf(payload).startsWith('keepalive@')
  }

  #accept(channel: Channel): Session {
    const session = new Session(channel, this.#options.session())
    this.#sessions.add(session)
    session.signal.addEventListener('abort', () => this.#sessions.delete(session))
    return session
  }
}

/** What a message that has to be answered asks for. */
function purposeOf(payload: Buffer): string {
  switch (payload.readUInt8(0)) {
    case messageNumber.GLOBAL_REQUEST:
      return decodeGlobalRequest(payload).name
    case messageNumber.CHANNEL_REQUEST:
      return decodeChannelRequest(payload).type
    case messageNumber.CHANNEL_OPEN:
      return decodeChannelOpen(payload).type
    default:
      return ''
  }
}
