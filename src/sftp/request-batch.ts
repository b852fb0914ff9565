import { HoldfastError } from '../errors.js'
import { runAll } from '../liveness/deadlines.js'
import { abortedText, lateText } from '../liveness/open-wait.js'
import type { Wait, WaitOptions, Waits } from '../liveness/waits.js'
import type { PendingRequest, RequestSettings } from './pending-request.js'
import { describe, saying } from './sftp-error.js'

/**
 * Requests of one call that leave in one write and have the same limit: their clocks would all say the same, so one wait serves
 * them all. Of a tree a hundred leave together, and a wait for each took more time than what it waits for.
 */
export class RequestBatch implements WaitOptions {
  readonly limit = 'sftp'
  /** Any reply is traffic, so it is progress for all that wait on the same channel. */
  readonly clock = 'reply'
  readonly phase = 'request'
  readonly limitMs: number
  readonly signal: AbortSignal | undefined
  readonly origin: Error
  readonly failed: (error: unknown) => void
  /** Whether the channel was given them: from then on nobody can say that the server has not got them. */
  isHandedOver = false
  /** When the last byte had gone. */
  leftAt: number | undefined
  readonly #settings: RequestSettings
  /** Without those that were answered. */
  readonly #requests: (PendingRequest | undefined)[] = []
  #unanswered = 0
  readonly #wait: Wait<void>

  /** @param failed told of each that has no answer by then */
  constructor(waits: Waits, first: PendingRequest, failed: (request: PendingRequest, error: unknown) => void) {
    const { settings } = first
    this.limitMs = settings.limitMs
    this.signal = settings.signal
    this.origin = settings.origin
    this.#settings = settings
    this.failed = (error) => this.#fail(error, failed)
    this.add(first)
    this.#wait = waits.start(this)
  }

  /** What is waited for: what it is called only an error says. */
  get what(): string {
    const first = this.#requests.find((request) => request !== undefined)
    return first === undefined ? 'no SFTP reply' : replyTo(first)
  }

  get isPending(): boolean {
    return this.#wait.pending
  }

  /** Whether a request may come along that leaves before the next turn. */
  takes({ limitMs, signal, origin }: RequestSettings): boolean {
    const own = this.#settings
    return own.limitMs === limitMs && own.signal === signal && own.origin === origin && this.isPending
  }

  add(request: PendingRequest): void {
    request.index = this.#requests.push(request) - 1
    this.#unanswered++
  }

  /** @returns false where the wait for it was over before */
  answered({ index }: PendingRequest): boolean {
    if (!this.isPending) return false
    this.#requests[index] = undefined
    this.#unanswered--
    if (this.#unanswered === 0) this.#wait.resolve()
    return true
  }

  /** The kernel has taken the last byte. */
  left(now: number): void {
    this.leftAt = now
    this.#wait.sent()
  }

  /** Its limit runs also where it cannot leave. */
  stuck(): void {
    this.#wait.sent()
  }

  reject(cause: unknown): void {
    this.#wait.reject(cause)
  }

  #fail(error: unknown, failed: (request: PendingRequest, error: unknown) => void): void {
    const unanswered = this.#requests.filter((request) => request !== undefined)
    runAll(unanswered.map((request) => () => failed(request, this.#saidOf(request, error))))
  }

  /** What ends their wait names the first of them; each other is to be named by its own error. */
  #saidOf(request: PendingRequest, error: unknown): unknown {
    if (!(error instanceof HoldfastError)) return error
    const { signal, limit } = this
    if (error.code === 'ERR_SSH_TIMEOUT' && error.limit === limit)
      return saying(error, lateText(replyTo(request), this))
    // Whoever aborts what a connection or session does has signals of their own.
    if (error.code === 'ERR_SSH_ABORTED' && signal?.aborted === true && error.cause === signal.reason)
      return saying(error, abortedText(replyTo(request)))
    return error
  }
}

export function replyTo({ requester, request }: PendingRequest): string {
  return `the SFTP reply to ${describe(requester.called(request))}`
}
