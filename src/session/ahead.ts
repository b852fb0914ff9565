import type { Channel, ChannelSink } from '../connection/channel.js'
import { ChannelOpenError } from '../connection/openings.js'
import type { AttemptOptions } from './places.js'
import type { SessionPort } from './port.js'

const none = Buffer.alloc(0)

/**
 * Sessions that are opened before anybody asks for one, so that a command starts in one round trip instead of two. They
 * take places in MaxSessions: where a call finds none left, it gets one of these. That one is refused, ends, or is never
 * answered, is nobody's failure; no more are opened then until the next call.
 */
export class SessionsAhead {
  readonly #port: SessionPort
  readonly #count: number
  readonly #ready: Channel[] = []
  #opening = 0

  constructor(port: SessionPort, count: number) {
    this.#port = port
    this.#count = count
  }

  /** Opens as many as are to be there. */
  replenish(): void {
    if (this.#port.cause !== undefined || breaksUnusedSessions(this.#port)) return
    while (this.#ready.length + this.#opening < this.#count) void this.#openOne()
  }

  /** One that is open, the oldest first, or a new one. @throws as the opening of a channel */
  async open(take: (channel: Channel) => ChannelSink, options: AttemptOptions): Promise<Channel> {
    let channel = this.#take(take, options)
    try {
      channel ??= await this.#port.open('session', none, take, options)
    } catch (error) {
      // The last place may be that of a session which was opened ahead, and answered meanwhile.
      channel = error instanceof ChannelOpenError ? this.#take(take, options) : undefined
      if (channel === undefined) throw error
    }
    this.replenish()
    return channel
  }

  /** One that is open already. Whoever has given up meanwhile needs none. */
  #take(take: (channel: Channel) => ChannelSink, { signal }: AttemptOptions): Channel | undefined {
    const channel = signal.aborted ? undefined : this.#ready.shift()
    channel?.attach(take(channel))
    return channel
  }

  async #openOne(): Promise<void> {
    this.#opening++
    try {
      const channel = await this.#port.open('session', none, (opened) => this.#idle(opened), { isAwaited: false })
      if (channel.isOpen) this.#ready.push(channel)
    } catch {
      // Whoever asks for a session opens one, and is told why that cannot be.
    } finally {
      this.#opening--
    }
  }

  /** Nothing may come on it before something was asked for, but its end. */
  #idle(channel: Channel): ChannelSink {
    const drop = (): void => {
      const index = this.#ready.indexOf(channel)
      if (index !== -1) this.#ready.splice(index, 1)
    }
    const end = (): void => {
      drop()
      void channel.close()
    }
    return {
      ...{ data: end, extendedData: end, eof: end, closed: drop, lost: drop },
      request: () => false,
      adjusted: () => {},
      pendingBytes: () => 0,
    }
  }
}

/** dropbear up to 2024 closes them when another command ends (mkj/dropbear#321). */
function breaksUnusedSessions({ negotiated }: SessionPort): boolean {
  return /^dropbear_20(1\d|2[0-4])\./.test(negotiated?.peer ?? '')
}
