import { type ErrorCode, type ErrorDetails, HoldfastError, type LimitName, type Phase } from '../errors.js'
import { AbortListeners } from './abort.js'
import { Cancel } from './cancel.js'
import { type Deadline, type Deadlines, runAll } from './deadlines.js'
import { LimitClock, type LimitClockEnvironment, type LimitClockOptions } from './limit-clock.js'
import { type Member, Members } from './members.js'

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
  /** A limit has ended a wait, for whoever watches from outside. */
  limitReached?(error: HoldfastError, what: string): void
}

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
export class Waits {
  readonly #environment: WaitsEnvironment
  readonly #deadlines: Deadlines
  readonly #pending = new Members<Drainable>()
  readonly #aborts = new AbortListeners()
  #cause: HoldfastError | undefined
  #sizeChanged: () => void = () => {}
  /** How many waits are for somebody who is not the peer. */
  #bystanders = 0
  /** How many waits have a caller. */
  #awaited = 0
  #isAttended = true
  #keepsRunning = true
  /** When limits are looked at next. */
  #look: Deadline | undefined
  readonly #owner: Owner = {
    due: (at) => this.#lookAt(at),
    ended: (wait) => {
      if (wait.member !== undefined) this.#pending.remove(wait.member)
      if (this.#pending.size === 0) this.#lookNoMore()
      this.#countBystander(wait.step, -1)
      if (wait.isAwaited) this.#awaited--
      this.#sizeChanged()
    },
    awaited: () => {
      this.#awaited++
      this.#sizeChanged()
    },
    step: () => this.#latestStep(),
  }

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
    this.#sizeChanged()
  }

  /** Whether anybody waits for what all these are steps of; while nobody does, no wait counts as having a caller. */
  attend(isAttended: boolean): void {
    this.#isAttended = isAttended
    this.#sizeChanged()
  }

  onSizeChange(changed: () => void): void {
    this.#sizeChanged = changed
  }

  start<T>(options: WaitOptions): Wait<T> {
    const wait: OpenWait<T> = new OpenWait(options, this.#environment, this.#owner)
    wait.member = this.#pending.add(wait)
    if (options.isAwaited ?? true) wait.await()
    this.#countBystander(options, 1)
    // The close itself is the one wait that begins after everything else was settled.
    if (this.#cause === undefined || options.limit === 'close') wait.begin(this.#aborts)
    else wait.reject(this.#cause)
    this.#sizeChanged()
    return wait
  }

  /**
   * One deadline for all: most waits settle long before their limit, and what is scheduled for each, and cancelled, cost a
   * command more than what it waits for. So it may come when the limit that it was for is no more, and looks for the next.
   */
  #lookAt(at: number): void {
    if (this.#look !== undefined && this.#look.at <= at) return
    this.#look?.cancel()
    this.#look = this.#deadlines.add(at, (now) => this.#expire(now))
  }

  #lookNoMore(): void {
    this.#look?.cancel()
    this.#look = undefined
  }

  #expire(now: number): void {
    this.#look = undefined
    const due: Drainable[] = []
    let next = Number.POSITIVE_INFINITY
    for (const { value } of this.#pending.all()) {
      if (value.dueAt <= now) due.push(value)
      else next = Math.min(next, value.dueAt)
    }
    if (next < Number.POSITIVE_INFINITY) this.#lookAt(next)
    due.sort((a, b) => a.dueAt - b.dueAt)
    runAll(due.map((wait) => () => wait.expire(now)))
  }

  /** What was last begun of all that a connection in the making waits for. */
  #latestStep(): Step | undefined {
    return this.#pending.all().findLast(({ value }) => value.step.limit !== 'connect')?.value.step
  }

  #countBystander({ limit }: Step, change: 1 | -1): void {
    if (limit !== 'prompt' && limit !== 'agent') return
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

type Step = Pick<WaitOptions, 'limit' | 'phase' | 'what'>

interface Owner {
  /** Its limit is used up at that instant, or later. */
  due(at: number): void
  /** The wait is over. */
  ended(wait: Drainable): void
  /** It has a caller. */
  awaited(): void
  /** Where a wait that is made up of others stands. */
  step(): Step | undefined
}

interface Drainable {
  readonly step: Step
  readonly isAwaited: boolean
  /** Where it stands among all that are pending. */
  readonly member: Member<Drainable> | undefined
  /** When its limit is used up, as far as is known now; infinite without one. */
  readonly dueAt: number
  expire(now: number): void
  pause(): void
  resume(): void
  lost(milliseconds: number): void
  reject(error: unknown): void
}

function ignore(): void {}

class OpenWait<T> implements Wait<T>, Drainable {
  member: Member<Drainable> | undefined
  readonly #options: WaitOptions
  readonly #environment: WaitsEnvironment
  readonly #owner: Owner
  /**
   * The caller's stack: an error made when the limit is reached would show the timer's alone. Until it is read it holds
   * whatever the caller's frames were called on, keys included, so a settled wait has none. Nor has one without a caller.
   */
  #origin: Error | undefined
  readonly #clock: LimitClock
  /** Undefined while it is pending. */
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined
  #promise: Promise<T> | undefined
  #resolvePromise: ((value: T) => void) | undefined
  #rejectPromise: ((error: unknown) => void) | undefined
  #isAwaited = false
  #unlisten: (() => void) | undefined

  constructor(options: WaitOptions, environment: WaitsEnvironment, owner: Owner) {
    this.#options = options
    this.#environment = environment
    this.#owner = owner
    this.#origin = options.origin
    this.#clock = new LimitClock(options, environment)
  }

  get step(): Step {
    return this.#options
  }

  get promise(): Promise<T> {
    this.#promise ??= this.#makePromise()
    return this.#promise
  }

  get pending(): boolean {
    return this.#outcome === undefined
  }

  get isAwaited(): boolean {
    return this.#isAwaited
  }

  get spentMs(): number {
    return this.#clock.spentMs
  }

  begin(aborts: AbortListeners): void {
    const { signal } = this.#options
    if (signal?.aborted) {
      this.abort(signal.reason)
      return
    }
    if (signal instanceof Cancel) signal.add(this)
    else if (signal !== undefined) this.#unlisten = aborts.add(signal, (reason) => this.abort(reason))
    this.#schedule()
  }

  resolve(value: T): void {
    if (!this.pending) return
    this.#outcome = { value }
    this.#settled()
    this.#resolvePromise?.(value)
  }

  reject(error: unknown): void {
    if (!this.pending) return
    this.#outcome = { error }
    this.#settled()
    const { failed } = this.#options
    if (failed !== undefined) queueMicrotask(() => failed(error))
    this.#rejectPromise?.(error)
  }

  sent(): void {
    this.#clock.sent()
    this.#schedule()
  }

  await(): void {
    if (this.#isAwaited || !this.pending) return
    this.#isAwaited = true
    this.#origin ??= new Error('waiting')
    this.#owner.awaited()
  }

  renew(leastMs: number): void {
    this.#clock.renew(leastMs)
    this.#schedule()
  }

  pause(): void {
    this.#clock.pause()
    this.#schedule()
  }

  resume(): void {
    this.#clock.resume()
    this.#schedule()
  }

  lost(milliseconds: number): void {
    this.#clock.lost(milliseconds)
    this.#schedule()
  }

  get dueAt(): number {
    return this.#clock.due() ?? Number.POSITIVE_INFINITY
  }

  expire(now: number): void {
    this.#clock.excuse(now)
    if (this.dueAt <= now) this.reject(this.#timeout())
    else this.#schedule()
  }

  abort(reason: unknown): void {
    const message = `aborted while waiting for ${this.#options.what}${this.#where()}`
    this.reject(this.#error('ERR_SSH_ABORTED', message, { cause: reason }))
  }

  #schedule(): void {
    if (!this.pending) return
    const due = this.#clock.due()
    if (due !== undefined) this.#owner.due(due)
  }

  /** Nobody needs to handle it: it may be rejected before anybody asks, and who asks later gets it all the same. */
  #makePromise(): Promise<T> {
    const outcome = this.#outcome
    const promise = new Promise<T>((resolve, reject) => {
      this.#resolvePromise = resolve
      this.#rejectPromise = reject
      if (outcome === undefined) return
      if ('error' in outcome) reject(outcome.error)
      else resolve(outcome.value)
    })
    promise.then(undefined, ignore)
    return promise
  }

  #timeout(): HoldfastError {
    const { limit, limitMs, what, code = 'ERR_SSH_TIMEOUT' } = this.#options
    const message = `${what} did not come within the limit ${limit} of ${limitMs} ms${this.#where()}`
    const error = this.#error(code, message, limitMs === false ? {} : { limit, limitMs })
    this.#environment.limitReached?.(error, what)
    return error
  }

  #where(): string {
    const step = this.#currentStep
    return step === undefined ? '' : `; it was waiting for ${step.what}`
  }

  get #currentStep(): Step | undefined {
    return this.#options.clock === 'connect' ? this.#owner.step() : undefined
  }

  #error(code: ErrorCode, message: string, details: ErrorDetails): HoldfastError {
    const error = new HoldfastError(code, message, {
      ...this.#environment.errorDetails(),
      phase: (this.#currentStep ?? this.#options).phase,
      elapsedMs: this.#environment.now() - this.#clock.calledAt,
      ...details,
    })
    if (this.#origin === undefined) return error
    const frames = this.#origin.stack?.split('\n').slice(1) ?? []
    error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
    return error
  }

  #settled(): void {
    const { signal } = this.#options
    this.#origin = undefined
    if (signal instanceof Cancel) signal.remove(this)
    this.#unlisten?.()
    this.#owner.ended(this)
  }
}
