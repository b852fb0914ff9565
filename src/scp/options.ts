import { type Duration, parseDuration } from '../liveness/duration.js'
import { checkNames, optionError } from '../session/option-error.js'
import { type CallOptions, checkSignal, toMode } from '../sftp/settings.js'
import type { TransferProgress, TransferResult } from '../sftp/transfer-options.js'

/** What `get()` of SCP takes, and `put()` too. */
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

/** What `put()` of SCP takes. */
export interface ScpPutOptions extends ScpOptions {
  /**
   * Permissions of each file that is sent, at most 0o777; directories keep their own. Without `preserve` the server takes its
   * umask of them. @default its own
   */
  readonly mode?: number | string | undefined
}

/** What came of a transfer by SCP. */
export type ScpResult = Omit<TransferResult, 'resumed' | 'interruptions'>

export interface ScpSettings {
  readonly signal: AbortSignal | undefined
  readonly recursive: boolean
  readonly preserve: boolean
  /** Of the files that are sent; undefined for their own. */
  readonly mode: number | undefined
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

const getNames = ['signal', 'recursive', 'preserve', 'idleTimeout', 'progress']
const putNames = [...getNames, 'mode']

/** @throws HoldfastError ERR_SSH_OPTION naming the option */
export function resolveGet(options: ScpOptions, patience: ScpPatience): ScpSettings {
  checkNames(options, getNames)
  return resolve(options, patience)
}

/** @throws HoldfastError ERR_SSH_OPTION naming the option */
export function resolvePut(options: ScpPutOptions, patience: ScpPatience): ScpSettings {
  checkNames(options, putNames)
  const mode = options.mode === undefined ? undefined : toMode(options.mode)
  if (mode !== undefined && mode > 0o777) throw optionError('mode', 'may have no more than 0o777: SCP carries no more')
  return { ...resolve(options, patience), mode }
}

function resolve(options: ScpOptions, { idleLimitMs, idleBoundMs }: ScpPatience): ScpSettings {
  const { recursive = false, preserve = true, idleTimeout, progress = () => {} } = options
  for (const [name, value] of Object.entries({ recursive, preserve }))
    if (typeof value !== 'boolean') throw optionError(name, 'must be true or false')
  if (typeof progress !== 'function') throw optionError('progress', 'must be a function')
  return {
    signal: checkSignal(options.signal),
    recursive,
    preserve,
    mode: undefined,
    idleLimitMs: Math.min(
      idleTimeout === undefined ? idleLimitMs : parseDuration(idleTimeout, 'idleTimeout'),
      idleBoundMs ?? Number.POSITIVE_INFINITY,
    ),
    progress,
  }
}
