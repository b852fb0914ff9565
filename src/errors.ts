import { errorTable } from './error-table.js'

/** Where in a connection's life something went wrong. */
export type Phase =
  | 'options'
  | 'dns'
  | 'tcp'
  | 'identification'
  | 'keyExchange'
  | 'hostKey'
  | 'authentication'
  | 'ready'
  | 'channelOpen'
  | 'request'
  | 'command'
  | 'rekey'
  | 'reconnect'
  | 'close'

/** The name of a limit: the same in options, environment, `stats()` and `error.limit`. */
export type LimitName =
  | 'connect'
  | 'dns'
  | 'tcp'
  | 'identification'
  | 'keyExchange'
  | 'authentication'
  | 'agent'
  | 'prompt'
  | 'channelOpen'
  | 'reply'
  | 'sftp'
  | 'rekey'
  | 'reconnect'
  | 'channelClose'
  | 'close'
  | 'timeout'
  | 'idleTimeout'
  | 'firstByteTimeout'
  | 'stdinStall'

export type ErrorCode = keyof typeof errorTable

/**
 * Whether the server has run what a call asked for. A call whose error says `not-sent` may be made again without running
 * anything twice.
 * - `not-sent`: it has not: it was never asked to, or it refused
 * - `unknown`: the request may have reached it, and nothing that it said proves anything
 * - `ran`: it said that it runs it, or output or an exit of it came
 */
export type Delivery = 'not-sent' | 'unknown' | 'ran'

/** What was and was not seen of the peer when a verdict or a limit ended something. All times in milliseconds. */
export interface Evidence {
  /** How long ago the last packet came; null before the first. */
  readonly lastHeardMs: number | null
  /** Since the connection was made. */
  readonly probesSent: number
  /** Those of them that nothing has answered yet. */
  readonly probesUnanswered: number
  /** The last round trip of a probe; null while none was answered. */
  readonly rttMs: number | null
  /** Encrypted, and not taken by the kernel. */
  readonly unsentBytes: number
  /** For how long, all in all, this process could not listen. */
  readonly loopBlockedMs: number
}

export interface ErrorDetails {
  readonly phase?: Phase | undefined
  readonly host?: string | undefined
  readonly hop?: string | undefined
  readonly limit?: LimitName | undefined
  readonly limitMs?: number | undefined
  readonly elapsedMs?: number | undefined
  readonly evidence?: Evidence | undefined
  readonly disconnectReason?: number | undefined
  readonly delivery?: Delivery | undefined
  readonly hint?: string | undefined
  readonly cause?: unknown
}

const brand = Symbol.for('holdfast.HoldfastError')

/**
 * The one class of error that leaves this library. Match on `code`; `instanceof` also works across two
 * copies of the package in one process.
 */
export class HoldfastError extends Error {
  /** Stable; docs/errors.md has each with its meaning. */
  readonly code: ErrorCode
  readonly phase: Phase | undefined
  /** `host:port`, as the program named it. */
  readonly host: string | undefined
  /** The host on the way to `host` whose failure this is, as `host:port`; undefined where there is none, or none to blame. */
  readonly hop: string | undefined
  /** The limit that was reached, by its name in the options. */
  readonly limit: LimitName | undefined
  /** What that limit is, in milliseconds. */
  readonly limitMs: number | undefined
  /** How long had been waited, in milliseconds. */
  readonly elapsedMs: number | undefined
  /** What was seen of the peer until then. */
  readonly evidence: Evidence | undefined
  /** Why the peer said that it ends the connection: the number of its DISCONNECT (RFC 4253 section 11.1). */
  readonly disconnectReason: number | undefined
  /**
   * Of a call that runs something: whether the server has run it. Of an option that is wrong always `not-sent`; undefined
   * where nothing was to be run.
   */
  readonly delivery: Delivery | undefined
  /** What to do about it. */
  readonly hint: string

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    // Own and not enumerable, as the name of a built-in error is.
    const name = code === 'ERR_SSH_ABORTED' ? 'AbortError' : 'HoldfastError'
    Object.defineProperty(this, 'name', { value: name, configurable: true, writable: true })
    Object.defineProperty(this, brand, { value: true })
    this.code = code
    this.phase = details.phase
    this.host = details.host
    this.hop = details.hop
    this.limit = details.limit
    this.limitMs = details.limitMs
    this.elapsedMs = details.elapsedMs
    this.evidence = details.evidence
    this.disconnectReason = details.disconnectReason
    this.delivery = details.delivery ?? (code === 'ERR_SSH_OPTION' ? 'not-sent' : undefined)
    this.hint = details.hint ?? errorTable[code].hint
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== HoldfastError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** All that an error says besides its code and text, for the error that takes its place. */
export function detailsOf(error: HoldfastError): ErrorDetails {
  const { phase, host, hop, limit, limitMs, elapsedMs, evidence, disconnectReason, delivery, hint, cause } = error
  // Required: a detail that is forgotten here does not compile.
  const all: Required<ErrorDetails> = {
    phase,
    host,
    hop,
    limit,
    limitMs,
    elapsedMs,
    evidence,
    disconnectReason,
    delivery,
    hint,
    cause,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** An error shows where its call was made: one that is made at a limit, or by a reply, would show the frames of that alone. */
export function takeFrames(error: Error, origin: Error): void {
  const frames = origin.stack?.split('\n').slice(1) ?? []
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
}

/** What is no error of ours is a defect of ours. */
export function asHoldfastError(error: unknown, details: ErrorDetails = {}): HoldfastError {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('ERR_SSH_INTERNAL', `Holdfast failed: ${String(error)}`, { ...details, cause: error })
}
