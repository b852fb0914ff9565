import { Deadlines } from '../liveness/deadlines.js'
import { Waits, type WaitsEnvironment } from '../liveness/waits.js'
import { Scheduler } from '../socket/scheduler.js'

export interface TimingEvents {
  /** The wall clock stepped, or the machine slept. */
  disturbed(): void
  /** Deadlines have expired. */
  woken(): void
}

const unheard: TimingEvents = { disturbed: () => {}, woken: () => {} }

/** What is waited for, until when, and the one timer that wakes for it. */
export class Timing {
  readonly deadlines = new Deadlines()
  readonly waits: Waits
  readonly #scheduler: Scheduler

  constructor(environment: WaitsEnvironment, events: TimingEvents = unheard) {
    this.waits = new Waits(environment, this.deadlines)
    this.#scheduler = new Scheduler({
      deadlines: this.deadlines,
      waits: this.waits,
      onWake: (_now, lostMs) => {
        if (lostMs > 0) this.waits.lost(lostMs)
      },
      onDisturbed: () => events.disturbed(),
      onWoken: () => events.woken(),
    })
  }

  /** Whether deadlines expire at present: what they bring to write can wait for `woken`. */
  get isWaking(): boolean {
    return this.#scheduler.isWaking
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
