import type { Wait } from '../liveness/waits.js'
import type { SessionPort } from './port.js'

/** Lets whoever ends a command wait until something holds, which is looked at anew whenever there are news of it. */
export class News {
  readonly #port: Pick<SessionPort, 'waits' | 'now'>
  readonly #waiting: Wait<void>[] = []

  constructor(port: Pick<SessionPort, 'waits' | 'now'>) {
    this.#port = port
  }

  came(): void {
    for (const wait of this.#waiting) wait.resolve()
  }

  /** @returns false when it does not hold by the end of the time, or of the connection */
  async until(holds: () => boolean, limitMs: number): Promise<boolean> {
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
