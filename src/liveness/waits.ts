import { type ErrorCode, type ErrorDetails, HoldfastError, type LimitName, type Phase } from '../errors.js'
import { AbortListeners } from './abort.js'
import type { Deadline, Deadlines } from './deadlines.js'
import { Deferred } from './deferred.js'

/**
 * On which clock a wait runs.
 * - `call`: from the call on, whatever happens.
 * - `peer`: the same, but time in which this process could not listen (a blocked event loop) does not count.
 * - `reply`: as `peer`, and it stands still until the kernel has taken the request, and while traffic that may be ahead
 *   of the reply keeps arriving; at most ten times the limit in all. A silent peer gets no such grace.
 * - `connect`: as `peer`, and it stands still while somebody who is not the peer is waited for: a person, an agent, which
 *   have the limits `prompt` and `agent` of their own.
 */
export type WaitClock = 'call' | 'peer' | 'reply' | 'connect'

export interface WaitOptions {
  readonly limit: LimitName
  /** Of the error when the limit is reached; default ERR_SSH_TIMEOUT. */
  readonly code?: 'ERR_SSH_TIMEOUT' | 'ERR_SSH_PROBE_TIMEOUT'
  /** Milliseconds, or false for a wait that only its owner, an abort or the teardown ends. */
  readonly limitMs: number | false
  readonly clock: WaitClock
  /** Milliseconds of the limit that earlier waits have used, where several waits share one limit. */
  readonly spentMs?: number
  readonly phase: Phase
  /** What is waited for, as an error is to say it: `the reply to the exec request`. */
  readonly what: string
  readonly signal?: AbortSignal | undefined
}

export interface WaitsEnvironment {
  /** Milliseconds on a monotonic clock. */
  now(): number
  /** When traffic that can hold up a reply last arrived: channel messages, not keepalives. */
  lastTrafficAt(): number
  /** What every error of this connection says: host, evidence. */
  errorDetails(): ErrorDetails
  /** A limit has ended a wait, for whoever watches from outside. */
  limitReached?(error: HoldfastError, what: string): void
}

/** One wait: a promise that always settles, by its owner, its limit, its signal or the teardown, whichever is first. */
export interface Wait<T> {
  readonly promise: Promise<T>
  /** False once it settled; what comes for it later is for nobody. */
  readonly pending: boolean
  /** Milliseconds of the limit used so far, on this wait's own clock. */
  readonly spentMs: number
  resolve(value: T): void
  reject(error: unknown): void
  /** The kernel has taken the request's last byte: the reply clock starts. */
  sent(): void
}

/** The reply clock stands still for at most this many limits in all. */
const patience = 10

/**
 * The one place where something is waited for. Every promise that a connection hands out while it waits for its peer
 * comes from here, so that one call, `drain()`, settles them all with one cause.
 */
export class Waits {
  readonly #environment: WaitsEnvironment
  readonly #deadlines: Deadlines
  readonly #pending = new Set<Drainable>()
  readonly #aborts = new AbortListeners()
  #cause: HoldfastError | undefined
  #sizeChanged: () => void = () => {}
  /** How many waits are for somebody who is not the peer. */
  #bystanders = 0

  constructor(environment: WaitsEnvironment, deadlines: Deadlines) {
    this.#environment = environment
    this.#deadlines = deadlines
  }

  /** How many callers wait: while there are any, the process must not end under them. */
  get size(): number {
    return this.#pending.size
  }

  onSizeChange(changed: () => void): void {
    this.#sizeChanged = changed
  }

  start<T>(options: WaitOptions): Wait<T> {
    const wait: OpenWait<T> = new OpenWait(options, this.#environment, this.#deadlines, {
      ended: () => {
        this.#pending.delete(wait)
        this.#countBystander(options, -1)
        this.#sizeChanged()
      },
      step: () => this.#latestStep(),
    })
    this.#pending.add(wait)
    this.#countBystander(options, 1)
    // The close itself is the one wait that begins after everything else was settled.
    if (this.#cause === undefined || options.limit === 'close') wait.begin(this.#aborts)
    else wait.reject(this.#cause)
    this.#sizeChanged()
    return wait
  }

  /** What was last begun of all that a connection in the making waits for. */
  #latestStep(): Step | undefined {
    return [...this.#pending].findLast(({ step }) => step.limit !== 'connect')?.step
  }

  #countBystander({ limit }: WaitOptions, change: 1 | -1): void {
    if (limit !== 'prompt' && limit !== 'agent') return
    const before = this.#bystanders
    this.#bystanders += change
    if (before === 0) for (const wait of this.#pending) wait.pause()
    if (this.#bystanders === 0) for (const wait of this.#pending) wait.resume()
  }

  /** Calls `aborted` when the signal aborts; the caller looks at `signal.aborted` first. Returns the way out. */
  onAbort(signal: AbortSignal, aborted: (reason: unknown) => void): () => void {
    return this.#aborts.add(signal, aborted)
  }

  /** Time in which this process could not listen does not count against the peer. */
  lost(milliseconds: number): void {
    for (const wait of this.#pending) wait.lost(milliseconds)
  }

  /** Settles everything that waits, and whatever is started from now on, with one cause. */
  drain(cause: HoldfastError): void {
    this.#cause ??= cause
    for (const wait of [...this.#pending]) wait.reject(this.#cause)
  }
}

type Step = Pick<WaitOptions, 'limit' | 'phase' | 'what'>

interface Owner {
  /** The wait is over. */
  ended(): void
  /** Where a wait that is made up of others stands. */
  step(): Step | undefined
}

interface Drainable {
  readonly step: Step
  pause(): void
  resume(): void
  lost(milliseconds: number): void
  reject(error: unknown): void
}

class OpenWait<T> implements Wait<T>, Drainable {
  readonly #deferred = new Deferred<T>()
  readonly #options: WaitOptions
  readonly #environment: WaitsEnvironment
  readonly #deadlines: Deadlines
  readonly #owner: Owner
  /** The caller's stack: an error made when the deadline expires would show the timer's alone. */
  readonly #origin = new Error('waiting')
  readonly #calledAt: number
  #startedAt: number
  #sentAt: number | undefined
  #pausedAt: number | undefined
  #pending = true
  #deadline: Deadline | undefined
  #unlisten: (() => void) | undefined

  constructor(options: WaitOptions, environment: WaitsEnvironment, deadlines: Deadlines, owner: Owner) {
    this.#options = options
    this.#environment = environment
    this.#deadlines = deadlines
    this.#owner = owner
    this.#calledAt = environment.now()
    this.#startedAt = this.#calledAt - (options.spentMs ?? 0)
  }

  get step(): Step {
    return this.#options
  }

  get promise(): Promise<T> {
    return this.#deferred.promise
  }

  get pending(): boolean {
    return this.#pending
  }

  get spentMs(): number {
    return this.#environment.now() - this.#startedAt
  }

  begin(aborts: AbortListeners): void {
    const { signal } = this.#options
    if (signal?.aborted) {
      this.#abort(signal.reason)
      return
    }
    if (signal !== undefined) this.#unlisten = aborts.add(signal, (reason) => this.#abort(reason))
    this.#schedule()
  }

  resolve(value: T): void {
    if (this.#settle()) this.#deferred.resolve(value)
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#deferred.reject(error)
  }

  sent(): void {
    if (!this.#pending) return
    this.#sentAt ??= this.#environment.now()
    if (this.#options.clock === 'reply') this.#schedule()
  }

  pause(): void {
    if (this.#options.clock !== 'connect') return
    this.#pausedAt ??= this.#environment.now()
    this.#deadline?.cancel()
  }

  resume(): void {
    if (this.#pausedAt === undefined) return
    this.#startedAt += this.#environment.now() - this.#pausedAt
    this.#pausedAt = undefined
    this.#schedule()
  }

  lost(milliseconds: number): void {
    if (this.#options.clock === 'call' || this.#pausedAt !== undefined) return
    // What began only while nobody listened, or came since, has lost less than that: nothing begins later than now.
    // Of a shared limit the earlier waits get theirs back: what queued meanwhile is read before the loss is known, so
    // the wait that lost the time may have settled already.
    const now = this.#environment.now()
    this.#startedAt = Math.min(this.#startedAt + milliseconds, now)
    if (this.#sentAt !== undefined) {
      const quietSince = Math.max(this.#sentAt, this.#environment.lastTrafficAt())
      this.#sentAt = Math.min(quietSince + milliseconds, now)
    }
    this.#schedule()
  }

  #schedule(): void {
    this.#deadline?.cancel()
    const due = this.#due()
    if (due !== undefined) this.#deadline = this.#deadlines.add(due, (now) => this.#expire(now))
  }

  #due(): number | undefined {
    const { limitMs, clock } = this.#options
    if (limitMs === false) return undefined
    if (clock !== 'reply') return this.#startedAt + limitMs
    const atMost = this.#startedAt + patience * limitMs
    if (this.#sentAt === undefined) return atMost
    return Math.min(Math.max(this.#sentAt, this.#environment.lastTrafficAt()) + limitMs, atMost)
  }

  #expire(now: number): void {
    const due = this.#due()
    if (due !== undefined && due > now) this.#schedule()
    else this.reject(this.#timeout())
  }

  #timeout(): HoldfastError {
    const { limit, limitMs, what, code = 'ERR_SSH_TIMEOUT' } = this.#options
    const message = `${what} did not come within the limit ${limit} of ${limitMs} ms${this.#where()}`
    const error = this.#error(code, message, limitMs === false ? {} : { limit, limitMs })
    this.#environment.limitReached?.(error, what)
    return error
  }

  #abort(reason: unknown): void {
    const message = `aborted while waiting for ${this.#options.what}${this.#where()}`
    this.reject(this.#error('ERR_SSH_ABORTED', message, { cause: reason }))
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
      elapsedMs: this.#environment.now() - this.#calledAt,
      ...details,
    })
    const frames = this.#origin.stack?.split('\n').slice(1) ?? []
    error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
    return error
  }

  #settle(): boolean {
    if (!this.#pending) return false
    this.#pending = false
    this.#deadline?.cancel()
    this.#unlisten?.()
    this.#owner.ended()
    return true
  }
}
