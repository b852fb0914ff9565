import { asHoldfastError, type ErrorDetails, HoldfastError } from '../../errors.js'
import type { Deadline, Deadlines } from '../../liveness/deadlines.js'
import type { Environment } from '../../liveness/environment.js'
import type { Wait, Waits } from '../../liveness/waits.js'
import { Backoff } from './backoff.js'
import { isCrowded, isLasting } from './lasting.js'
import type { ReconnectSettings } from './options.js'

/** The connection is away, and an attempt to make it anew will begin. */
export interface ReconnectAttempt {
  /** Counts from 1, and goes on where a connection did not hold. */
  readonly attempt: number
  /** How long it waits before it dials, in milliseconds. */
  readonly delayMs: number
  /** Why the connection was lost, or why the attempt before failed. */
  readonly cause: HoldfastError
}

/** The connection is there again. */
export interface Reconnection {
  /** The attempt that made it. */
  readonly attempt: number
  /** How long it was away, in milliseconds. */
  readonly awayMs: number
  /** Why it had been lost. */
  readonly cause: HoldfastError
}

export interface RedialPort {
  readonly environment: Environment
  readonly deadlines: Deadlines
  readonly waits: Waits
  /** Makes a connection, or rejects with why not, and at once when `signal` aborts. */
  dial(signal: AbortSignal): Promise<void>
  /** An attempt has been planned. */
  planned(attempt: ReconnectAttempt): void
  connected(reconnection: Reconnection): void
  /** There will be no further attempt after so many in a row. */
  givenUp(cause: HoldfastError, attempts: number): void
  errorDetails(): ErrorDetails
}

/** From the loss of a connection until one holds again; those between that did not hold are part of it. */
interface Outage {
  readonly since: number
  attempts: number
}

/** While the connection is away: since when, why, and what is being done about it. */
interface Absence {
  readonly outage: Outage
  readonly since: number
  readonly cause: HoldfastError
  /** Keeps the process running, and ends when the time for all attempts does. */
  readonly budget: Wait<void>
  readonly dialing: AbortController
  delay: Deadline | undefined
  /** What the last attempt failed for; before the first, the same as `cause`. */
  failure: HoldfastError
  /** Why the new connection was lost already, before we heard that it was made. */
  lostAgain?: HoldfastError
}

/**
 * When to dial again, and when to give up. One attempt at a time. The delay starts over, and the budget with it, once a
 * connection has held for as long as the delay before it could have been: a server that accepts and drops is not hammered,
 * and a link that breaks now and then is used for at least half of the time.
 */
export class Redial {
  readonly #settings: ReconnectSettings
  readonly #port: RedialPort
  readonly #backoff: Backoff
  #outage: Outage | undefined
  #absence: Absence | undefined
  #connectedAt = Number.NEGATIVE_INFINITY
  #isOver = false

  constructor(settings: ReconnectSettings, port: RedialPort) {
    this.#settings = settings
    this.#port = port
    this.#backoff = new Backoff(settings, (size) => port.environment.randomBytes(size))
  }

  /** The attempt that is planned or under way; 0 where the connection is there. */
  get attempt(): number {
    return this.#absence?.outage.attempts ?? 0
  }

  /** Why the connection is away: what the last attempt failed for, or why it was lost; undefined where it is there. */
  get failure(): HoldfastError | undefined {
    return this.#absence?.failure
  }

  /** The connection was lost. */
  lost(cause: HoldfastError): void {
    if (this.#isOver) return
    if (this.#absence !== undefined) {
      this.#absence.lostAgain = cause
      return
    }
    if (isLasting(cause)) {
      this.#giveUp(cause)
      return
    }
    const since = this.#port.environment.now()
    const outage = this.#outageAt(since)
    const budget = this.#startBudget(since - outage.since)
    const dialing = new AbortController()
    const absence: Absence = { outage, since, cause, budget, dialing, delay: undefined, failure: cause }
    this.#absence = absence
    budget.promise.catch(() => {
      if (this.#absence === absence) this.#exhausted(absence)
    })
    this.#plan(absence)
  }

  /** Nothing is dialled any more. */
  stop(): void {
    this.#isOver = true
    const absence = this.#absence
    this.#absence = undefined
    absence?.delay?.cancel()
    absence?.dialing.abort()
    absence?.budget.resolve()
  }

  #outageAt(now: number): Outage {
    if (this.#outage !== undefined && now - this.#connectedAt < this.#backoff.ceilingMs) return this.#outage
    this.#backoff.reset()
    this.#outage = { since: now, attempts: 0 }
    return this.#outage
  }

  #startBudget(spentMs: number): Wait<void> {
    return this.#port.waits.start<void>({
      limit: 'reconnect',
      limitMs: this.#settings.maxTime,
      spentMs,
      clock: 'call',
      phase: 'reconnect',
      what: 'the connection, which is being made anew,',
      isAwaited: false,
    })
  }

  #plan(absence: Absence): void {
    const { outage, failure } = absence
    const leftMs = this.#leftMs(outage)
    if (outage.attempts === this.#settings.maxAttempts || leftMs < this.#settings.minDelay) {
      this.#exhausted(absence)
      return
    }
    if (isCrowded(failure)) this.#backoff.slowDown()
    outage.attempts++
    const delayMs = this.#backoff.next(leftMs)
    const { deadlines, environment } = this.#port
    absence.delay = deadlines.add(environment.now() + delayMs, () => void this.#dial(absence))
    this.#port.planned({ attempt: outage.attempts, delayMs, cause: failure })
  }

  /** Never rejects. */
  async #dial(absence: Absence): Promise<void> {
    try {
      await this.#port.dial(absence.dialing.signal)
    } catch (error) {
      if (this.#absence === absence) this.#failed(absence, asHoldfastError(error))
      return
    }
    if (this.#absence === absence) this.#connected(absence)
  }

  #connected({ outage, since, cause, budget, lostAgain }: Absence): void {
    const now = this.#port.environment.now()
    this.#absence = undefined
    this.#connectedAt = now
    budget.resolve()
    this.#port.connected({ attempt: outage.attempts, awayMs: now - since, cause })
    if (lostAgain !== undefined) this.lost(lostAgain)
  }

  #failed(absence: Absence, error: HoldfastError): void {
    absence.failure = error
    // A hop or stream that the program itself has closed will not be there the next time either.
    if (isLasting(error) || error.code === 'ERR_SSH_CLOSED') this.#giveUp(error)
    else this.#plan(absence)
  }

  #exhausted({ outage, since, failure }: Absence): void {
    const { maxTime, maxAttempts } = this.#settings
    const { attempts } = outage
    const isByAttempts = attempts === maxAttempts
    const budget = isByAttempts ? `reconnect.maxAttempts (${attempts})` : `reconnect.maxTime (${String(maxTime)} ms)`
    const message = `the connection was lost, and not made again within ${budget}: ${failure.message}`
    this.#giveUp(
      new HoldfastError('ERR_SSH_RECONNECT', message, {
        ...this.#port.errorDetails(),
        phase: 'reconnect',
        elapsedMs: this.#port.environment.now() - since,
        limitMs: isByAttempts || maxTime === false ? undefined : maxTime,
        cause: failure,
      }),
    )
  }

  #giveUp(cause: HoldfastError): void {
    this.stop()
    this.#port.givenUp(cause, this.#outage?.attempts ?? 0)
  }

  #leftMs({ since }: Outage): number {
    const { maxTime } = this.#settings
    return maxTime === false ? Number.POSITIVE_INFINITY : since + maxTime - this.#port.environment.now()
  }
}
