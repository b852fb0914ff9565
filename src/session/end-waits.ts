import type { Wait } from '../liveness/waits.js'
import type { SessionPort } from './port.js'

interface EndingSession {
  /** What the server said of the end. */
  readonly exit: unknown
  readonly hasOutputEnded: boolean
  /** Whether the peer has closed the channel. */
  readonly isClosed: boolean
  /** What would still come of a stream that its reader has left unread is dropped. */
  dropUnread(): void
}

/** Lets whoever ends a session wait until something holds, which is looked at anew whenever something of it has changed. */
export class EndWaits {
  readonly #port: Pick<SessionPort, 'waits' | 'now'>
  readonly #session: EndingSession
  readonly #waiting: Wait<void>[] = []

  constructor(port: Pick<SessionPort, 'waits' | 'now'>, session: EndingSession) {
    this.#port = port
    this.#session = session
  }

  changed(): void {
    for (const wait of this.#waiting) wait.resolve()
  }

  /** Waits until the server said that the program ended, or closed the channel. @returns false when the time is over first */
  ended(limitMs: number): Promise<boolean> {
    const session = this.#session
    return this.#until(() => session.exit !== undefined || session.isClosed, limitMs)
  }

  /**
   * Waits until the program has ended and nothing holds its output open. Output for which nobody waits any more must not
   * hide that: what would still come of a stream that its reader has left unread is dropped.
   * @returns false when the time is over first
   */
  over(limitMs: number): Promise<boolean> {
    const session = this.#session
    session.dropUnread()
    return this.#until(() => (session.exit !== undefined && session.hasOutputEnded) || session.isClosed, limitMs)
  }

  /** @returns false when it does not hold by the end of the time, or of the connection */
  async #until(holds: () => boolean, limitMs: number): Promise<boolean> {
    const endAt = this.#port.now() + limitMs
    while (!holds()) {
      const leftMs = endAt - this.#port.now()
      if (leftMs <= 0 || !(await this.#next(leftMs))) return holds()
    }
    return true
  }

  /** @returns false when the time is over first */
  async #next(limitMs: number): Promise<boolean> {
    const wait = this.#port.waits.start<void>({
      limit: 'channelClose',
      limitMs,
      clock: 'call',
      phase: 'command',
      what: 'the end of the command',
    })
    this.#waiting.push(wait)
    try {
      await wait.promise
      return true
    } catch {
      return false
    } finally {
      this.#waiting.splice(this.#waiting.indexOf(wait), 1)
    }
  }
}
