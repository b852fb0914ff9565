import type { LimitName } from '../errors.js'
import type { WaitClock } from '../liveness/limit-clock.js'
import type { Wait } from '../liveness/waits.js'
import type { SessionPort } from './port.js'

export interface QuietLimitOptions {
  readonly port: Pick<SessionPort, 'waits' | 'cause' | 'now'>
  readonly limit: LimitName
  readonly limitMs: number
  readonly clock: Exclude<WaitClock, 'call'>
  /** Whether the silence is our own doing, so that it does not count. */
  readonly excused: () => boolean
  readonly expired: () => void
}

/**
 * Expires after a stretch in which nothing happened. Cheap to touch: what happens is only noted, and looked at when the
 * wait is over.
 */
export class QuietLimit {
  readonly #options: QuietLimitOptions
  #since: number
  #wait: Wait<void> | undefined

  /** Starts at once. */
  constructor(options: QuietLimitOptions) {
    this.#options = options
    this.#since = options.port.now()
    this.#await(options.limitMs)
  }

  /** Something happened: silence counts anew from here. */
  touch(): void {
    this.#since = this.#options.port.now()
  }

  stop(): void {
    const wait = this.#wait
    this.#wait = undefined
    wait?.resolve()
  }

  #await(limitMs: number): void {
    const { port, limit, clock } = this.#options
    const wait: Wait<void> = port.waits.start<void>({
      limit,
      limitMs,
      clock,
      phase: 'command',
      what: 'a sign of life of the command',
      isAwaited: false,
      failed: () => {
        // The end of the connection settles it too, maybe with a timeout of its own, and whatever is started after that.
        if (port.cause === undefined && this.#wait === wait) this.#look()
      },
    })
    wait.sent()
    this.#wait = wait
  }

  #look(): void {
    const { port, limitMs, excused, expired } = this.#options
    if (excused()) this.touch()
    const leftMs = this.#since + limitMs - port.now()
    if (leftMs > 0) this.#await(leftMs)
    else expired()
  }
}
