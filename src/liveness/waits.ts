import type { ErrorDetails, HoldfastError, LimitName, Phase } from '../errors.js'
import { AbortListeners } from './abort.js'
import type { Cancel } from './cancel.js'
import { type Deadline, type Deadlines, runAll } from './deadlines.js'
import type { LimitClockEnvironment, LimitClockOptions } from './limit-clock.js'
import { Members } from './members.js'
import { type Drainable, OpenWait, type Owner, type Step } from './open-wait.js'

export interface WaitOptions extends LimitClockOptions {
  readonly limit: LimitName
  /** Of the error when the limit is reached; default ERR_SSH_TIMEOUT. */
  readonly code?: 'ERR_SSH_TIMEOUT' | 'ERR_SSH_PROBE_TIMEOUT'
  readonly phase: Phase
  /** What is waited for, as an error is to say it: `the reply to the exec request`. */
  readonly what: string
  readonly signal?: AbortSignal | Cancel | undefined
  /** Called a moment after it was rejected, for whoever has no use for a promise. */
  readonly failed?: ((error: unknown) => void) | undefined
  /** Whose stack an error is to show. One for many waits of one call: each costs more than all else of a wait. @default made here */
  readonly origin?: Error | undefined
  /**
   * Whether a caller waits for this, under whom the process must not end. Without one it may end where the program said
   * that the connection is no reason to go on. @default true
   */
  readonly isAwaited?: boolean
}

export interface WaitsEnvironment extends LimitClockEnvironment {
  /** What every error of this connection says: host, evidence. */
  errorDetails(): ErrorDetails
  /** Why what is waited for does not come, where that is known, for the error of a limit. */
  limitCause?(): HoldfastError | undefined
  /** A limit has ended a wait, for whoever watches from outside. */
  limitReached?(error: HoldfastError, what: string): void
}

/**
 * How many waits are looked at in a millisecond at most, on the average: a fiftieth of the processor. Where the limits of
 * thousands end one after another, all were looked at for each: 8 s for 16,000. Now it takes 0.7 s, and the last to be
 * noticed comes 64 ms late; of 100 none does by a millisecond.
 */
const looksPerMs = 250

/** One wait: a promise that always settles, by its owner, its limit, its signal or the teardown, whichever is first. */
export interface Wait<T> {
  /** Made for who asks for it. */
  readonly promise: Promise<T>
  /** False once it settled; what comes for it later is for nobody. */
  readonly pending: boolean
  /** Milliseconds of the limit used so far, on this wait's own clock. */
  readonly spentMs: number
  resolve(value: T): void
  reject(error: unknown): void
  /** The kernel has taken the request's last byte: the clocks `answer` and `reply` start. */
  sent(): void
  /** From now on a caller waits for it. */
  await(): void
  /** The limit begins anew, and is at least so many milliseconds. */
  renew(leastMs: number): void
}

/**
 * The one place where something is waited for. Every promise that a connection hands out while it waits for its peer
 * comes from here, so that one call, `drain()`, settles them all with one cause.
 */
export class Waits implements Owner {
  readonly #environment: WaitsEnvironment
  readonly #deadlines: Deadlines
  readonly #pending = new Members<Drainable>()
  readonly #aborts = new AbortListeners()
  #cause: HoldfastError | undefined
  #holdChanged: () => void = () => {}
  /** How many waits are for somebody who is not the peer. */
  #bystanders = 0
  /** How many waits have a caller. */
  #awaited = 0
  #isAttended = true
  #keepsRunning = true
  #look: Deadline | undefined
  /** When limits are looked at next. */
  #lookDue = Number.POSITIVE_INFINITY

  constructor(environment: WaitsEnvironment, deadlines: Deadlines) {
    this.#environment = environment
    this.#deadlines = deadlines
  }

  /** How many there are. */
  get size(): number {
    return this.#pending.size
  }

  /** Whether the process must not end: under a caller that waits, or under anything here while that keeps it running. */
  get holdsProcess(): boolean {
    return (this.#isAttended && this.#awaited > 0) || (this.#keepsRunning && this.#pending.size > 0)
  }

  /** Whether waits without a caller are a reason for the process to go on. */
  keepRunning(keep: boolean): void {
    this.#keepsRunning = keep
    this.#holdChanged()
  }

  /** Whether anybody waits for what all these are steps of; while nobody does, no wait counts as having a caller. */
  attend(isAttended: boolean): void {
    this.#isAttended = isAttended
    this.#holdChanged()
  }

  /** Calls `changed` whenever `holdsProcess` may have become another. */
  onHoldChange(changed: () => void): void {
    this.#holdChanged = changed
  }

  start<T>(options: WaitOptions): Wait<T> {
    const wait: OpenWait<T> = new OpenWait(options, this.#environment, this)
    wait.member = this.#pending.add(wait)
    if (wait.isAwaited) this.#awaited++
    // Only the first of all, and the first that has a caller, can be what holds the process; and the last what let it go.
    if (this.#pending.size === 1 || this.#awaited === 1) this.#holdChanged()
    if (wait.isForBystander) this.#countBystander(1)
    // The close itself is the one wait that begins after everything else was settled.
    if (this.#cause === undefined || options.limit === 'close') wait.begin(this.#aborts)
    else wait.reject(this.#cause)
    return wait
  }

  /**
   * One deadline for all: most waits settle long before their limit, and what is scheduled for each, and cancelled, cost a
   * command more than what it waits for. So it may come when the limit that it was for is no more, and looks for the next.
   */
  due(at: number): void {
    if (this.#lookDue <= at) return
    this.#lookDue = at
    if (this.#look === undefined) this.#look = this.#deadlines.add(at, (now) => this.#expire(now))
    else this.#look.move(at)
  }

  #lookNoMore(): void {
    this.#lookDue = Number.POSITIVE_INFINITY
    this.#look?.cancel()
  }

  #expire(now: number): void {
    this.#lookDue = Number.POSITIVE_INFINITY
    const soonest = now + this.#pending.size / looksPerMs
    const due: Drainable[] = []
    let next = Number.POSITIVE_INFINITY
    for (const { value } of this.#pending.all()) {
      if (value.dueAt <= now) due.push(value)
      else next = Math.min(next, value.dueAt)
    }
    if (next < Number.POSITIVE_INFINITY) this.due(Math.max(next, soonest))
    due.sort((a, b) => a.dueAt - b.dueAt)
    runAll(due.map((wait) => () => wait.expire(now)))
  }

  ended(wait: Drainable): void {
    if (wait.member !== undefined) this.#pending.remove(wait.member)
    const isLast = this.#pending.size === 0
    if (isLast) this.#lookNoMore()
    if (wait.isForBystander) this.#countBystander(-1)
    if (wait.isAwaited) this.#awaited--
    if (isLast || this.#awaited === 0) this.#holdChanged()
  }

  awaited(): void {
    this.#awaited++
    if (this.#awaited === 1) this.#holdChanged()
  }

  /** What was last begun of all that a connection in the making waits for. */
  step(): Step | undefined {
    return this.#pending.all().findLast(({ value }) => value.step.limit !== 'connect')?.value.step
  }

  #countBystander(change: 1 | -1): void {
    const before = this.#bystanders
    this.#bystanders += change
    if (before === 0) for (const { value } of this.#pending.all()) value.pause()
    if (this.#bystanders === 0) for (const { value } of this.#pending.all()) value.resume()
  }

  /** Calls `aborted` when the signal aborts; the caller looks at `signal.aborted` first. Returns the way out. */
  onAbort(signal: AbortSignal, aborted: (reason: unknown) => void): () => void {
    return this.#aborts.add(signal, aborted)
  }

  /** Time in which this process could not listen does not count against the peer. */
  lost(milliseconds: number): void {
    for (const { value } of this.#pending.all()) value.lost(milliseconds)
  }

  /** Settles everything that waits, and whatever is started from now on, with one cause. */
  drain(cause: HoldfastError): void {
    this.#cause ??= cause
    for (const { value } of this.#pending.all()) value.reject(this.#cause)
  }
}
