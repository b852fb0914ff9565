import { type Delivery, type ErrorCode, type ErrorDetails, HoldfastError } from '../errors.js'

/** How a command ended. */
export interface CommandExit {
  /** Null when a signal ended it, or when the server did not say. */
  readonly exitCode: number | null
  /** The signal that ended it, `SIGTERM`. */
  readonly signal: string | null
  /** True when it ended, but a process that it left behind still held its output open when we stopped listening. */
  readonly outputOpen: boolean
  /** Milliseconds from the call on. */
  readonly durationMs: number
}

/** What `exec()` gives. */
export interface CommandResult<Output extends string | Buffer = string> extends CommandExit {
  readonly command: string
  readonly stdout: Output
  readonly stderr: Output
  /** Variables of `env` that the server would not set (sshd: AcceptEnv), so the command ran without them. */
  readonly refusedEnv: readonly string[]
}

/**
 * What became of a failed command on the remote side.
 * - `not-started`: the server never started it
 * - `exited`: it ended by itself
 * - `terminated`, `killed`: we ended it: by TERM or by closing its channel, or by KILL
 * - `abandoned`: it may still be running
 * - `unknown`: nobody can say: the connection ended, or the server closed the session without an answer
 */
export type RemoteState = 'not-started' | 'exited' | 'terminated' | 'killed' | 'abandoned' | 'unknown'

/** Which way a command was ended, or why it could not be. */
export interface CommandEnding {
  /**
   * - `signal`: by the channel's own `signal` request (RFC 4254 section 6.9)
   * - `process-group`: by a second session, which signalled the command's process group
   * - `close`: by closing its channel, which ends its input and hangs up its terminal
   * - `none`: it was not ended by us
   */
  readonly by: 'signal' | 'process-group' | 'close' | 'none'
  /** The same as a sentence, for a person. */
  readonly detail: string
}

/** Everything known of a command that failed. */
export interface CommandOutcome extends CommandResult<string | Buffer> {
  readonly remote: RemoteState
  readonly ending: CommandEnding
  readonly delivery: Delivery
}

/** A command failed, or was ended: with all that its result would have, so far. */
export class CommandError extends HoldfastError implements CommandOutcome {
  readonly command: string
  readonly stdout: string | Buffer
  readonly stderr: string | Buffer
  readonly exitCode: number | null
  readonly signal: string | null
  readonly outputOpen: boolean
  readonly durationMs: number
  readonly refusedEnv: readonly string[]
  readonly remote: RemoteState
  readonly ending: CommandEnding
  override readonly delivery: Delivery

  constructor(code: ErrorCode, message: string, details: ErrorDetails, outcome: CommandOutcome) {
    super(code, message, details)
    this.command = outcome.command
    this.stdout = outcome.stdout
    this.stderr = outcome.stderr
    this.exitCode = outcome.exitCode
    this.signal = outcome.signal
    this.outputOpen = outcome.outputOpen
    this.durationMs = outcome.durationMs
    this.refusedEnv = outcome.refusedEnv
    this.remote = outcome.remote
    this.ending = outcome.ending
    this.delivery = outcome.delivery
  }
}
