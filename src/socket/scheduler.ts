import type { Deadlines } from '../liveness/deadlines.js'
import type { Waits } from '../liveness/waits.js'

/** The clocks of this machine, in milliseconds. */
export interface Clock {
  /** Never steps. Stands still while the machine is suspended on Linux; goes on elsewhere. */
  readonly now: () => number
  /** The time of day: it steps when somebody sets it, and goes on while the machine is suspended. */
  readonly wall: () => number
}

export const systemClock: Clock = { now: () => performance.now(), wall: () => Date.now() }

export interface SchedulerOptions {
  readonly deadlines: Deadlines
  /** What waits there keeps the process running; nothing else of the scheduler does. */
  readonly waits: Waits
  /**
   * Called at each wake before anything expires, with queued input already read. `lostMs` is for how long this process
   * could not listen, and so must not count against the peer: 0 at an ordinary wake.
   */
  onWake(now: number, lostMs: number): void
  /** The wall clock ran ahead of `now` by this much since the last wake: a suspended machine, or a step of the time. */
  onDisturbed(now: number, aheadMs: number): void
  /** Called at the end of each wake, also where something threw: what it brought to write can go out in one piece. */
  onWoken?(): void
  readonly clock?: Clock
}

/** Node fires a longer timeout after 1 ms. */
const longestTimeoutMs = 2 ** 31 - 1
/** A timer that is later than this was held up by a callback that ran too long, or by a stopped process. */
const blockedFromMs = 50
/** NTP slews at most 0.5 ms a second, so between two wakes of a keepalive this is no slew. */
const disturbedFromMs = 1000

/**
 * Owns the one native timer of a connection. Deadlines that come and go behind the earliest one never touch it: a
 * wake that finds nothing due arms it anew.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #clock: Clock
  /** Kept when it has fired: the next wake of a keepalive is as far away as the last, and to make a timer anew costs more. */
  #timer: NodeJS.Timeout | undefined
  #isArmed = false
  /** For how long the timer was made. */
  #delay = 0
  #immediate: NodeJS.Immediate | undefined
  #armedAt = 0
  #dueAt = 0
  #held = false
  #isWaking = false
  #stopped = false
  /** Wall clock minus monotonic clock, at the last wake. */
  #offset: number
  #loopBlockedMs = 0

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#offset = this.#clock.wall() - this.#clock.now()
    options.deadlines.onChange(() => this.#arm())
    options.waits.onHoldChange(this.#hold)
    this.#hold()
    this.#arm()
  }

  /** For how long, all in all, this process could not listen, by estimate: the `loopBlockedMs` of evidence. */
  get loopBlockedMs(): number {
    return this.#loopBlockedMs
  }

  /** Whether a wake is under way: `onWoken` comes. */
  get isWaking(): boolean {
    return this.#isWaking
  }

  now(): number {
    return this.#clock.now()
  }

  /** Lets the timer go. Nothing expires from here on. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  /** Arms the timer for the earliest deadline; one that was put off moves it only where that costs next to nothing. */
  #arm(): void {
    if (this.#stopped || this.#immediate !== undefined) return
    // Waiting callers hold the process even where nothing is due: else it would end under them with exit code 13.
    const at = this.#options.deadlines.next() ?? (this.#held ? Number.POSITIVE_INFINITY : undefined)
    if (at === undefined) return
    const now = this.#clock.now()
    const delay = delayUntil(at, now)
    const laterMs = this.#delay - delay
    const isAlike = Math.abs(laterMs) <= alikeMs(delay)
    // One that is late already is left to fire: from that alone it is known how long this process did not listen.
    if (this.#isArmed && at >= this.#dueAt && (!isAlike || now >= this.#dueAt)) return
    if (isAlike && laterMs >= 0 && this.#timer !== undefined) this.#timer.refresh()
    else this.#replaceTimer(delay)
    this.#armedAt = now
    this.#dueAt = now + this.#delay
    this.#isArmed = true
    this.#holdByTimer()
  }

  #replaceTimer(delay: number): void {
    clearTimeout(this.#timer)
    this.#delay = delay
    this.#timer = setTimeout(() => this.#fired(), delay)
  }

  #holdByTimer(): void {
    if (this.#held) this.#timer?.ref()
    else this.#timer?.unref()
  }

  readonly #hold = (): void => {
    const held = this.#options.waits.holdsProcess
    if (held === this.#held) return
    this.#held = held
    if (this.#isArmed) this.#holdByTimer()
    else if (held) this.#arm()
  }

  /** What the kernel has queued is read between the timers and the immediates of a turn: input wins over a verdict. */
  #fired(): void {
    const now = this.#clock.now()
    const lostMs = this.#lostMs(now)
    this.#isArmed = false
    this.#loopBlockedMs += lostMs
    // What this wake was for has been put off since, as whenever an answer comes in time.
    const isEarly = (this.#options.deadlines.next() ?? Number.POSITIVE_INFINITY) > now
    if (lostMs === 0 && isEarly) this.#arm()
    else this.#immediate = setImmediate(() => this.#wake(lostMs))
  }

  /**
   * When what held up this wake began is not known, only that it lasted at least from when the timer was due. As often
   * as not it began as long before that; to count less would end a wait at the very wake that follows the block.
   */
  #lostMs(now: number): number {
    const lateMs = now - this.#dueAt
    return lateMs < blockedFromMs ? 0 : Math.min(2 * lateMs, now - this.#armedAt)
  }

  /** Until it is over nothing arms the timer: what one deadline brings nearer another may put off. */
  #wake(lostMs: number): void {
    const now = this.#clock.now()
    this.#isWaking = true
    try {
      this.#compareClocks(now)
      this.#options.onWake(now, lostMs)
      if (!this.#stopped) this.#options.deadlines.expire(now)
    } finally {
      this.#isWaking = false
      this.#immediate = undefined
      this.#arm()
      this.#options.onWoken?.()
    }
  }

  #compareClocks(now: number): void {
    const offset = this.#clock.wall() - now
    const aheadMs = offset - this.#offset
    this.#offset = offset
    if (aheadMs >= disturbedFromMs) this.#options.onDisturbed(now, aheadMs)
  }
}

/**
 * For how long a timer is to be set. Node counts whole milliseconds from when the turn of its loop began: without one more
 * it would fire up to one too early, and have to be set twice.
 */
function delayUntil(at: number, now: number): number {
  return Math.min(Math.max(Math.ceil(at - now), 0) + 1, longestTimeoutMs)
}

/**
 * By how much a timer that is there may be later than a new one would: the intervals of a keepalive differ by its round trip,
 * and by how late its last wake was.
 */
function alikeMs(delay: number): number {
  return Math.min(1 + delay / 200, 20)
}
