import { type Duration, parseDuration } from '../liveness/duration.js'
import { checkNames, optionError } from '../session/option-error.js'
import { type CallOptions, checkSignal } from '../sftp/settings.js'
import type { TransferProgress, TransferResult } from '../sftp/transfer-options.js'

/** What `get()` and `put()` of SCP take. */
export interface ScpOptions extends CallOptions {
  /** Whether a directory may be transferred, with all that is in it. @default false */
  readonly recursive?: boolean | undefined
  /** Permissions and times come along. @default true */
  readonly preserve?: boolean | undefined
  /**
   * How long the scp of the server may do nothing where it is its turn: answer, read its input, give more. Time that a busy
   * link takes does not count. @default the limit `idleTimeout`, or the limit `sftp` where there is none
   */
  readonly idleTimeout?: Duration | undefined
  /** Called whenever more of a file has gone or come. What it throws ends the transfer. */
  readonly progress?: ((progress: TransferProgress) => void) | undefined
}

/** What came of a transfer by SCP. */
export type ScpResult = Omit<TransferResult, 'resumed' | 'interruptions'>

export interface ScpSettings {
  readonly signal: AbortSignal | undefined
  readonly recursive: boolean
  readonly preserve: boolean
  readonly idleLimitMs: number
  readonly progress: (progress: TransferProgress) => void
}

/** In milliseconds. */
export interface ScpPatience {
  /** How long the remote scp may do nothing that it is waited for to do, unless the transfer says so. */
  readonly idleLimitMs: number
  /** The longest that a transfer can say. @default any */
  readonly idleBoundMs?: number | undefined
}

const names = ['signal', 'recursive', 'preserve', 'idleTimeout', 'progress']

/** @throws HoldfastError ERR_SSH_OPTION naming the option */
export function resolveScp(options: ScpOptions, { idleLimitMs, idleBoundMs }: ScpPatience): ScpSettings {
  checkNames(options, names)
  const { recursive = false, preserve = true, idleTimeout, progress = () => {} } = options
  for (const [name, value] of Object.entries({ recursive, preserve }))
    if (typeof value !== 'boolean') throw optionError(name, 'must be true or false')
  if (typeof progress !== 'function') throw optionError('progress', 'must be a function')
  return {
    signal: checkSignal(options.signal),
    recursive,
    preserve,
    idleLimitMs: Math.min(
      idleTimeout === undefined ? idleLimitMs : parseDuration(idleTimeout, 'idleTimeout'),
      idleBoundMs ?? Number.POSITIVE_INFINITY,
    ),
    progress,
  }
}
