import { type ErrorCode, type ErrorDetails, HoldfastError, takeFrames } from '../errors.js'
import type { AbortListeners } from './abort.js'
import { Cancel } from './cancel.js'
import { LimitClock } from './limit-clock.js'
import type { Member } from './members.js'
import type { Wait, WaitOptions, WaitsEnvironment } from './waits.js'

export type Step = Pick<WaitOptions, 'limit' | 'phase' | 'what'>

/** Who has all waits of a connection. */
export interface Owner {
  /** Its limit is used up at that instant, or later. */
  due(at: number): void
  /** The wait is over. */
  ended(wait: Drainable): void
  /** It has a caller. */
  awaited(): void
  /** Where a wait that is made up of others stands. */
  step(): Step | undefined
}

export interface Drainable {
  readonly step: Step
  readonly isAwaited: boolean
  /** Whether it is for somebody who is not the peer. */
  readonly isForBystander: boolean
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

/** What an error says of a wait whose limit is reached. */
export function lateText(what: string, { limit, limitMs }: Pick<WaitOptions, 'limit' | 'limitMs'>): string {
  return `${what} did not come within the limit ${limit} of ${limitMs} ms`
}

/** And of one that its caller has given up. */
export function abortedText(what: string): string {
  return `aborted while waiting for ${what}`
}

/** One wait from its start to its end, and the clock on which its limit runs. */
export class OpenWait<T> extends LimitClock implements Wait<T>, Drainable {
  member: Member<Drainable> | undefined
  isAwaited: boolean
  readonly isForBystander: boolean
  declare protected readonly options: WaitOptions
  declare protected readonly environment: WaitsEnvironment
  readonly #owner: Owner
  /**
   * The caller's stack: an error made when the limit is reached would show the timer's alone. Until it is read it holds
   * whatever the caller's frames were called on, keys included, so a settled wait has none; who gives one
   * (`origin`) lets go of it by himself. Nor has one without a caller.
   */
  #origin: Error | undefined
  /** Undefined while it is pending. */
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined
  #promise: Promise<T> | undefined
  #resolvePromise: ((value: T) => void) | undefined
  #rejectPromise: ((error: unknown) => void) | undefined
  #unlisten: (() => void) | undefined

  constructor(options: WaitOptions, environment: WaitsEnvironment, owner: Owner) {
    super(options, environment)
    this.#owner = owner
    this.#origin = options.origin
    this.isForBystander = options.limit === 'prompt' || options.limit === 'agent'
    this.isAwaited = options.isAwaited ?? true
    if (this.isAwaited) this.#origin ??= new Error('waiting')
  }

  get step(): Step {
    return this.options
  }

  get promise(): Promise<T> {
    if (this.#promise !== undefined) return this.#promise
    const promise = new Promise<T>((resolve, reject) => {
      this.#resolvePromise = resolve
      this.#rejectPromise = reject
    })
    this.#promise = promise
    // Nobody needs to handle it: it may be rejected before anybody asks, and who asks later gets it all the same.
    promise.then(undefined, ignore)
    const outcome = this.#outcome
    if (outcome === undefined) return promise
    if ('error' in outcome) this.#rejectPromise?.(outcome.error)
    else this.#resolvePromise?.(outcome.value)
    return promise
  }

  get pending(): boolean {
    return this.#outcome === undefined
  }

  begin(aborts: AbortListeners): void {
    const { signal } = this.options
    if (signal?.aborted) {
      this.abort(signal.reason)
      return
    }
    if (signal instanceof Cancel) signal.add(this)
    else if (signal !== undefined) this.#unlisten = aborts.add(signal, (reason) => this.abort(reason))
    this.#owner.due(this.dueAtSoonest)
  }

  /**
   * This and `reject()` say in full what is done at the end of every wait: of short functions V8 compiles each as soon as it was
   * called some hundred times, and once more into each that calls it, which was half of the time of many commands.
   */
  resolve(value: T): void {
    if (this.#outcome !== undefined) return
    const { signal } = this.options
    this.#outcome = { value }
    this.#origin = undefined
    if (signal instanceof Cancel) signal.remove(this)
    this.#unlisten?.()
    this.#owner.ended(this)
    this.#resolvePromise?.(value)
  }

  reject(error: unknown): void {
    if (this.#outcome !== undefined) return
    const { signal, failed } = this.options
    this.#outcome = { error }
    this.#origin = undefined
    if (signal instanceof Cancel) signal.remove(this)
    this.#unlisten?.()
    this.#owner.ended(this)
    if (failed !== undefined) queueMicrotask(() => failed(error))
    this.#rejectPromise?.(error)
  }

  await(): void {
    if (this.isAwaited || this.#outcome !== undefined) return
    this.isAwaited = true
    this.#origin ??= new Error('waiting')
    this.#owner.awaited()
  }

  override sent(): void {
    super.sent()
    this.#schedule()
  }

  override resume(): void {
    super.resume()
    this.#schedule()
  }

  /** After a longer one it may be due before anybody would look. */
  override renew(leastMs: number): void {
    super.renew(leastMs)
    this.#schedule()
  }

  expire(now: number): void {
    // One that is told of a limit may end the connection, and with it those whose limits end at the same instant.
    if (!this.pending) return
    this.excuse(now)
    if (this.dueAt <= now) this.reject(this.#timeout())
    else this.#owner.due(this.dueAt)
  }

  abort(reason: unknown): void {
    this.reject(this.#error('ERR_SSH_ABORTED', `${abortedText(this.options.what)}${this.#where()}`, { cause: reason }))
  }

  #schedule(): void {
    if (this.#outcome === undefined) this.#owner.due(this.dueAtSoonest)
  }

  #timeout(): HoldfastError {
    const { limit, limitMs, what, code = 'ERR_SSH_TIMEOUT' } = this.options
    const message = `${lateText(what, this.options)}${this.#where()}`
    const cause = this.environment.limitCause?.()
    const error = this.#error(code, message, limitMs === false ? { cause } : { limit, limitMs, cause })
    this.environment.limitReached?.(error, what)
    return error
  }

  #where(): string {
    const step = this.#currentStep
    return step === undefined ? '' : `; it was waiting for ${step.what}`
  }

  get #currentStep(): Step | undefined {
    return this.options.clock === 'connect' ? this.#owner.step() : undefined
  }

  #error(code: ErrorCode, message: string, details: ErrorDetails): HoldfastError {
    const error = new HoldfastError(code, message, {
      ...this.environment.errorDetails(),
      phase: (this.#currentStep ?? this.options).phase,
      elapsedMs: this.environment.now() - this.calledAt,
      ...details,
    })
    if (this.#origin !== undefined) takeFrames(error, this.#origin)
    return error
  }
}
