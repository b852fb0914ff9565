import type { Deadline } from '../liveness/deadlines.js'
import type { ForwardPort } from './port.js'

/** Calls back after a stretch in which nothing happened. Cheap to touch: what happens is only noted, and looked at later. */
export class IdleTimer {
  readonly #clock: Pick<ForwardPort, 'deadlines' | 'now'>
  readonly #expired: () => void
  #limitMs: number | undefined
  #since = 0
  #deadline: Deadline | undefined

  constructor(clock: Pick<ForwardPort, 'deadlines' | 'now'>, expired: () => void) {
    this.#clock = clock
    this.#expired = expired
  }

  /** Milliseconds; undefined while there is no limit. */
  get limitMs(): number | undefined {
    return this.#limitMs
  }

  start(limitMs: number): void {
    this.stop()
    this.#limitMs = limitMs
    this.touch()
  }

  /** Something happened: silence counts anew from here, also where it had been too long already. */
  touch(): void {
    if (this.#limitMs === undefined) return
    this.#since = this.#clock.now()
    if (this.#deadline === undefined) this.#wakeAfter(this.#limitMs)
  }

  stop(): void {
    this.#limitMs = undefined
    this.#deadline?.cancel()
    this.#deadline = undefined
  }

  #wakeAfter(milliseconds: number): void {
    this.#deadline = this.#clock.deadlines.add(this.#clock.now() + milliseconds, () => this.#look())
  }

  #look(): void {
    this.#deadline = undefined
    if (this.#limitMs === undefined) return
    const leftMs = this.#since + this.#limitMs - this.#clock.now()
    if (leftMs > 0) this.#wakeAfter(leftMs)
    else this.#expired()
  }
}
