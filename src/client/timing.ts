import { Deadlines } from '../liveness/deadlines.js'
import { Waits, type WaitsEnvironment } from '../liveness/waits.js'
import { Scheduler } from '../socket/scheduler.js'

/** What is waited for, until when, and the one timer that wakes for it. */
export class Timing {
  readonly deadlines = new Deadlines()
  readonly waits: Waits
  readonly #scheduler: Scheduler

  /** @param disturbed the wall clock stepped, or the machine slept */
  constructor(environment: WaitsEnvironment, disturbed: () => void = () => {}) {
    this.waits = new Waits(environment, this.deadlines)
    this.#scheduler = new Scheduler({
      deadlines: this.deadlines,
      waits: this.waits,
      onWake: (_now, lostMs) => {
        if (lostMs > 0) this.waits.lost(lostMs)
      },
      onDisturbed: disturbed,
    })
  }

  /** For how long, all in all, this process could not listen. */
  get loopBlockedMs(): number {
    return this.#scheduler.loopBlockedMs
  }

  /** Nothing is due any more. */
  stop(): void {
    this.#scheduler.stop()
  }
}
