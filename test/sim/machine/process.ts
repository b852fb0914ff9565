import type { Deadlines } from '#src/liveness/deadlines.js'
import type { Happening, World } from '../world.js'

/** What src/socket/scheduler.ts takes for a late timer, and for a step of the wall clock. */
const blockedFromMs = 50
const disturbedFromMs = 1000

export interface ProcessListener {
  /** Input, or an end, may wait to be read. */
  read(): void
  /** As `SchedulerOptions.onWake`: before deadlines expire, with all input read. */
  wake(lostMs: number): void
  /** As `SchedulerOptions.onDisturbed`. */
  disturbed(): void
}

/**
 * A process with an event loop, whose one timer does what that of src/socket/scheduler.ts does on a real one: late timers
 * tell of lost time, and input that waits is read before anything expires.
 */
export class Process {
  readonly #world: World
  readonly #deadlines: Deadlines
  readonly #listener: ProcessListener
  readonly #lagMs: number
  #stoppedUntil = 0
  #asleepMs = 0
  #busyMs = 0
  readonly #postponed: (() => void)[] = []
  #timer: Happening | undefined
  #armedAt = 0
  /** For how long the timer was made; one that is put off by as much is moved, as a scheduler does. */
  #delay = 0
  #dueAt = 0
  #isTimerDue = false
  #willRead = false
  #offset = 0
  #isOver = false

  constructor(world: World, deadlines: Deadlines, listener: ProcessListener, lagMs = 0) {
    this.#world = world
    this.#deadlines = deadlines
    this.#listener = listener
    this.#lagMs = lagMs
    deadlines.onChange(() => this.#arm())
  }

  /** Its monotonic clock. */
  readonly now = (): number => this.#world.now() - this.#asleepMs

  readonly busyMs = (): number => this.#busyMs

  get isStopped(): boolean {
    return this.#world.now() < this.#stoppedUntil
  }

  /** Whether it does not run, or has not yet done what was due while it did not. */
  get isBehind(): boolean {
    return this.isStopped || (this.#isTimerDue && !this.#isOver)
  }

  /** Lets the timer go. */
  end(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  /** Does something in this process: at once, or when it runs again. */
  run(task: () => void): void {
    if (this.isStopped) this.#postponed.push(task)
    else task()
  }

  /** Does something in this process later. */
  after(milliseconds: number, task: () => void): Happening {
    return this.#world.after(milliseconds, () => this.run(task))
  }

  /** There is something to read. */
  readable(): void {
    if (this.#willRead) return
    this.#willRead = true
    if (this.#lagMs > 0) this.#world.after(this.#lagMs, () => this.run(() => this.#read()))
    else if (!this.isStopped) this.#read()
  }

  /** The loop is blocked, or the process stopped. */
  block(milliseconds: number): void {
    const now = this.#world.now()
    const until = Math.max(this.#stoppedUntil, now + milliseconds)
    this.#busyMs += until - Math.max(now, this.#stoppedUntil)
    this.#stoppedUntil = until
    this.#world.at(until, () => this.#resume())
  }

  /** @param clockSleeps whether the monotonic clock stands still meanwhile */
  suspend(milliseconds: number, clockSleeps: boolean): void {
    const now = this.#world.now()
    this.#stoppedUntil = Math.max(this.#stoppedUntil, now + milliseconds)
    this.#world.at(now + milliseconds, () => {
      if (clockSleeps) this.#asleepMs += milliseconds
      this.#rearm()
      this.#resume()
    })
  }

  #read(): void {
    this.#willRead = false
    this.#listener.read()
  }

  /** In the order of an event loop: timers, what waited for one, input, and then what the timer had to say. */
  #resume(): void {
    if (this.isStopped || this.#isOver) return
    const lostMs = this.#isTimerDue ? this.#lostMs() : undefined
    for (const task of this.#postponed.splice(0)) this.#world.after(0, () => this.run(task))
    if (this.#willRead) this.#world.after(0, () => this.run(() => this.#read()))
    if (lostMs !== undefined) this.#world.after(0, () => this.#wake(lostMs))
  }

  #arm(): void {
    const at = this.#deadlines.next()
    if (this.#isOver || this.#isTimerDue || at === undefined) return
    const now = this.now()
    const delay = Math.max(Math.ceil(at - now), 0) + 1
    const laterMs = this.#delay - delay
    const isAlike = Math.abs(laterMs) <= Math.min(1 + delay / 200, 20)
    if (this.#timer !== undefined && at >= this.#dueAt && !isAlike) return
    if (!isAlike || laterMs < 0) this.#delay = delay
    this.#armedAt = now
    this.#dueAt = now + this.#delay
    this.#rearm()
  }

  #rearm(): void {
    if (this.#isTimerDue || this.#isOver) return
    this.#timer?.cancel()
    this.#timer = this.#world.after(this.#dueAt - this.now(), () => this.#fired())
  }

  #fired(): void {
    if (this.#isOver) return
    this.#timer = undefined
    this.#isTimerDue = true
    if (!this.isStopped) this.#wake(this.#lostMs())
  }

  #lostMs(): number {
    const lateMs = this.now() - this.#dueAt
    return lateMs < blockedFromMs ? 0 : Math.min(2 * lateMs, this.now() - this.#armedAt)
  }

  #wake(lostMs: number): void {
    this.#isTimerDue = false
    if (this.#isOver) return
    const offset = this.#world.now() - this.now()
    const aheadMs = offset - this.#offset
    this.#offset = offset
    if (aheadMs >= disturbedFromMs) this.#listener.disturbed()
    this.#listener.wake(lostMs)
    this.#deadlines.expire(this.now())
    this.#arm()
  }
}
