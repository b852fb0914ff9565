import type { HoldfastError } from '../errors.js'
import { Tunnels } from '../forward/tunnels.js'
import type { LivenessChange } from '../liveness/port.js'
import type { SessionPort } from '../session/port.js'
import { Sessions } from '../session/sessions.js'
import { Link, type LinkEvents } from './link.js'
import type { Face } from './new-connection.js'
import { commandBounds } from './policy/bounds.js'
import type { ReconnectAttempt, Reconnection } from './reconnect/redial.js'
import type { LinkSettings, Settings } from './settings.js'
import type { ReconnectStats } from './stats.js'

/** Whether there is a connection; `closed` is for good. */
export type ClientState = 'connected' | 'reconnecting' | 'closed'

export interface LineEvents {
  livenessChanged(change: LivenessChange): void
  banner(text: string): void
  globalRequest(name: string, data: Buffer, link: Link): void
  planned(attempt: ReconnectAttempt): void
  connected(reconnection: Reconnection): void
  /** There will be no connection any more, and everything has been settled. */
  ended(cause: HoldfastError): void
}

/** What the calls of a client run on: one connection, or one after another. */
export interface Line {
  /** The connection, or the last one while there is none. */
  readonly link: Link
  readonly state: ClientState
  /** Resolves with why there is no connection any more; never rejects. */
  readonly closed: Promise<HoldfastError>
  readonly port: SessionPort
  readonly sessions: Sessions
  readonly tunnels: Tunnels
  /** Undefined where a lost connection is not made again. */
  readonly reconnect: ReconnectStats | undefined
  /**
   * Waits for the connection, where one is made anew.
   * @param spentMs how much of the limit is used up already
   * @throws HoldfastError ERR_SSH_TIMEOUT (limit `reconnect`), ERR_SSH_ABORTED, why there will be none
   */
  ready(signal: AbortSignal | undefined, spentMs: number): Promise<void>
  /** Makes the first connection; see `Link.open`. */
  open(): Promise<void>
  close(limitMs: number): Promise<void>
  /** Whether it keeps the process running where no caller waits. */
  keepRunning(keep: boolean): void
}

/** One connection: its end is the end. */
export class SingleLine implements Line {
  readonly link: Link
  readonly reconnect = undefined
  #sessions: Sessions | undefined
  #tunnels: Tunnels | undefined

  constructor(settings: Settings, events: LineEvents, face?: Face) {
    const linkEvents: LinkEvents = {
      livenessChanged: (change) => events.livenessChanged(change),
      banner: (text) => events.banner(text),
      globalRequest: (name, data) => events.globalRequest(name, data, this.link),
      channelOpen: (type, data) => this.tunnels.channelOpen(type, data),
      ended: (cause) => events.ended(cause),
    }
    this.link = new Link(settings, linkEvents, face)
  }

  get state(): ClientState {
    return this.link.connection.cause === undefined ? 'connected' : 'closed'
  }

  get closed(): Promise<HoldfastError> {
    return this.link.closed
  }

  get port(): SessionPort {
    return this.link.connection
  }

  get sessions(): Sessions {
    return (this.#sessions ??= sessionsOn(this.port, this.link.settings, () => this.link))
  }

  get tunnels(): Tunnels {
    return (this.#tunnels ??= new Tunnels(this.link.connection, this.link.settings.limits))
  }

  async ready(): Promise<void> {}

  async open(): Promise<void> {
    await this.link.open()
    this.sessions.openAhead()
  }

  close(limitMs: number): Promise<void> {
    return this.link.close(limitMs)
  }

  keepRunning(keep: boolean): void {
    this.link.keepRunning(keep)
  }
}

/** @param link the connection on which a session has been opened */
export function sessionsOn(port: SessionPort, settings: LinkSettings, link: () => Link): Sessions {
  const { limits, username, env, forwardAgent, sessionsAhead: ahead, policy } = settings
  const agent = {
    isDefault: forwardAgent.isDefault,
    offer: () => link().agentForward.offer(),
    answered: (isGranted: boolean) => link().agentForward.answered(isGranted),
  }
  const bounds = commandBounds(policy)
  return new Sessions(port, { username, openLimit: limits.channelOpen, limits, bounds, env, agent, ahead })
}
