/**
 * On which clock a wait runs.
 * - `call`: from the call on, whatever happens.
 * - `peer`: the same, but time in which this process could not listen (a blocked event loop) does not count.
 * - `answer`: as `peer`, for what a request of ours is to bring: it stands still until the kernel has taken the request,
 *   told by `sent()`; at most ten times the limit in all.
 * - `reply`: as `answer`, and it stands still while traffic that may be ahead of the reply keeps arriving. A silent peer
 *   gets no such grace.
 * - `connect`: as `peer`, and it stands still while somebody who is not the peer is waited for: a person, an agent, which
 *   have the limits `prompt` and `agent` of their own.
 */
export type WaitClock = 'call' | 'peer' | 'answer' | 'reply' | 'connect'

export interface LimitClockOptions {
  /** Milliseconds, or false for none. */
  readonly limitMs: number | false
  readonly clock: WaitClock
  /** Milliseconds of the limit that earlier waits have used, where several waits share one limit. */
  readonly spentMs?: number
}

export interface LimitClockEnvironment {
  /** Milliseconds on a monotonic clock. */
  now(): number
  /** When traffic that can hold up a reply last arrived: channel messages, not keepalives. */
  lastTrafficAt(): number
  /** Milliseconds in which this process ran code instead of listening, all in all until now; absent where it always listens. */
  busyMs?(now: number): number
}

/** The clocks `answer` and `reply` stand still for at most this many limits in all. */
const patience = 10

const never = Number.POSITIVE_INFINITY

/** How much of a limit is used up, and when it ends. */
export class LimitClock {
  protected readonly options: LimitClockOptions
  protected readonly environment: LimitClockEnvironment
  readonly #waitsForKernel: boolean
  /** When the first of the waits began that share the limit. */
  readonly calledAt: number
  /** From when on the limit is counted, what earlier waits used of it included. */
  #startedAt: number
  /** From when on the patience is counted. */
  #askedAt: number
  /** Since when the clock stands still; undefined while it runs. */
  #pausedAt: number | undefined
  /** What `busyMs` said when the clock started, and what was given back since. */
  #busyAt: number
  #excused = false
  /** What `renew()` made of the limit. */
  #leastMs = 0

  constructor(options: LimitClockOptions, environment: LimitClockEnvironment) {
    const { clock, spentMs = 0 } = options
    const now = environment.now()
    this.options = options
    this.environment = environment
    this.#waitsForKernel = clock === 'answer' || clock === 'reply'
    this.#askedAt = now
    this.calledAt = now - spentMs
    this.#startedAt = now - spentMs
    this.#busyAt = clock === 'call' ? 0 : (environment.busyMs?.(now) ?? 0)
    this.#pausedAt = this.#waitsForKernel ? now : undefined
  }

  /** Milliseconds of the limit used so far. */
  get spentMs(): number {
    const until = this.#pausedAt ?? this.environment.now()
    return Math.max(0, until - this.#startedAt - this.#unexcusedMs)
  }

  /** When the limit is used up, as far as is known now; infinite without a limit, and while somebody else is waited for. */
  get dueAt(): number {
    const { limitMs } = this.options
    if (limitMs === false) return never
    const longMs = Math.max(limitMs, this.#leastMs)
    const atMost = this.#waitsForKernel ? this.#askedAt + Math.max(patience * limitMs, longMs) : never
    if (this.#pausedAt !== undefined) return atMost
    return Math.min(this.#runsFrom + longMs, atMost)
  }

  /** No sooner than then is it used up, whatever is still to be waited for: known without a look at anything else. */
  get dueAtSoonest(): number {
    const { limitMs } = this.options
    return limitMs === false ? never : this.#startedAt + limitMs
  }

  /** The kernel has taken the request's last byte. */
  sent(): void {
    const pausedAt = this.#pausedAt
    if (!this.#waitsForKernel || pausedAt === undefined) return
    const now = this.environment.now()
    this.#busyAt = this.environment.busyMs?.(now) ?? 0
    this.#startedAt += now - pausedAt
    this.#pausedAt = undefined
  }

  /** Somebody who is not the peer is waited for. */
  pause(): void {
    if (this.options.clock === 'connect') this.#pausedAt ??= this.environment.now()
  }

  resume(): void {
    if (this.options.clock !== 'connect' || this.#pausedAt === undefined) return
    this.#startedAt += this.environment.now() - this.#pausedAt
    this.#pausedAt = undefined
  }

  /** Time in which this process could not listen does not count. */
  lost(milliseconds: number): void {
    const { clock } = this.options
    if (clock === 'call' || (clock === 'connect' && this.#pausedAt !== undefined)) return
    // What was read at the end of a block has begun the clock anew: nothing of the block is left to make up for.
    const isBegunAnew = this.#runsFrom > this.#startedAt
    const given = this.#giveBack(milliseconds)
    // Beyond what this wait got of it there was nothing to give: that is not to be missing when the limit ends.
    this.#busyAt = Math.min(this.#busyMs, this.#busyAt + (isBegunAnew ? milliseconds : given))
  }

  /** The limit begins anew, and is at least so long. */
  renew(leastMs: number): void {
    const now = this.environment.now()
    this.#leastMs = leastMs
    this.#startedAt = now
    this.#askedAt = now
    this.#busyAt = this.#busyMs
    if (this.#pausedAt !== undefined) this.#pausedAt = now
  }

  /**
   * Before a limit ends a wait. A block is told by `lost()` only where it made a timer late; one that ends shortly before
   * the limit leaves the peer less than the round trip that our next step takes, though what the kernel had queued was
   * read. So whatever this process was busy is made up for: but once, or one that is always busy would never learn that
   * its peer is gone. A limit becomes at most twice as long by it.
   */
  excuse(now: number): void {
    const busyMs = this.#unexcusedMs
    if (busyMs === 0 || this.dueAt > now) return
    this.#excused = true
    this.#giveBack(busyMs)
  }

  /**
   * What began only while nobody listened, or came since, has lost less than that: nothing begins later than now. Of a
   * shared limit the earlier waits get theirs back: what queued meanwhile is read before the loss is known, so the wait
   * that lost the time may have settled already.
   * @returns how much the wait got of it
   */
  #giveBack(milliseconds: number): number {
    const now = this.environment.now()
    const [ranFrom, askedAt] = [this.#runsFrom, this.#askedAt]
    this.#startedAt = Math.min(ranFrom + milliseconds, this.#pausedAt ?? now)
    this.#askedAt = Math.min(askedAt + milliseconds, now)
    return this.#pausedAt === undefined ? this.#startedAt - ranFrom : this.#askedAt - askedAt
  }

  get #runsFrom(): number {
    if (this.options.clock !== 'reply' || this.#pausedAt !== undefined) return this.#startedAt
    return Math.max(this.#startedAt, this.environment.lastTrafficAt())
  }

  get #busyMs(): number {
    return this.options.clock === 'call' ? 0 : (this.environment.busyMs?.(this.environment.now()) ?? 0)
  }

  /** Time in which this process was busy, and which nobody has given back. */
  get #unexcusedMs(): number {
    if (this.#excused || this.options.clock === 'call') return 0
    return Math.max(0, this.#busyMs - this.#busyAt)
  }
}
