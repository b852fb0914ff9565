import { type Delivery, type ErrorCode, type ErrorDetails, HoldfastError, takeFrames } from '../errors.js'
import { printable } from '../wire/printable.js'
import { status } from './numbers.js'

/** What a program asked for, as `node:fs` says it in its errors. */
export interface FileCall {
  /** `open`, `stat`, `rename` */
  readonly syscall: string
  readonly path?: string | undefined
  /** The second path of `rename`, `link` and `symlink`. */
  readonly dest?: string | undefined
}

/**
 * The server would not, or could not, do what was asked for. `code` is that of `node:fs` where SFTP has a status for it:
 * ENOENT, EACCES, ENOTSUP. For all else version 3 has only 'failure': ERR_SSH_SFTP_FAILURE.
 */
export class SftpError extends HoldfastError implements FileCall {
  /** The number in the server's answer (draft-ietf-secsh-filexfer-02 section 7). */
  readonly status: number
  readonly syscall: string
  readonly path: string | undefined
  readonly dest: string | undefined

  constructor(code: number, message: string, call: FileCall, details: ErrorDetails = {}) {
    const name = codeOf(code)
    const reason = message === '' ? `status ${code}` : printable(message, 200)
    super(name, `${name}: ${reason}, ${describe(call)}`, { phase: 'request', ...details })
    this.status = code
    this.syscall = call.syscall
    this.path = call.path
    this.dest = call.dest
  }
}

function codeOf(code: number): ErrorCode {
  switch (code) {
    case status.NO_SUCH_FILE:
      return 'ENOENT'
    case status.PERMISSION_DENIED:
      return 'EACCES'
    case status.OP_UNSUPPORTED:
      return 'ENOTSUP'
    default:
      return 'ERR_SSH_SFTP_FAILURE'
  }
}

/** As an error or a wait is to say it: `rename '/a' -> '/b'`. */
export function describe({ syscall, path, dest }: FileCall): string {
  const where = path === undefined ? '' : ` '${printable(path, 200)}'`
  return dest === undefined ? `${syscall}${where}` : `${syscall}${where} -> '${printable(dest, 200)}'`
}

/**
 * The same error, with what is known of one call that it failed.
 * @param isShared others fail by it too: it is the cause then
 */
export function withDelivery(error: unknown, delivery: Delivery, isShared: boolean): unknown {
  if (!(error instanceof HoldfastError) || error instanceof SftpError) return error
  // Of an abort the cause is the signal's reason, whoever was aborted.
  const cause = isShared && error.code !== 'ERR_SSH_ABORTED' ? error : error.cause
  return copied(error, error.message, { cause, delivery })
}

/** The same error in other words. */
export function saying(error: HoldfastError, message: string): HoldfastError {
  const { cause, delivery } = error
  return copied(error, message, { cause, delivery })
}

function copied(
  error: HoldfastError,
  message: string,
  changed: Pick<ErrorDetails, 'cause' | 'delivery'>,
): HoldfastError {
  const { code, phase, host, hop, limit, limitMs, elapsedMs, evidence, disconnectReason, hint } = error
  const details = { phase, host, hop, limit, limitMs, elapsedMs, evidence, disconnectReason, hint, ...changed }
  const copy = new HoldfastError(code, message, details)
  takeFrames(copy, error)
  return copy
}

/** Before work that takes several requests is begun. @throws HoldfastError ERR_SSH_ABORTED */
export function refuseAborted(signal: AbortSignal | undefined, host: string, call: FileCall): void {
  if (signal?.aborted !== true) return
  const cause: unknown = signal.reason
  const details = { phase: 'request', host, cause, delivery: 'not-sent' } as const
  throw new HoldfastError('ERR_SSH_ABORTED', `aborted before it began: ${describe(call)}`, details)
}

/** Of work that takes several requests: where the last was not sent, those before it were. */
export async function inParts<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw ofPart(error)
  }
}

/** What ends such work, as its program is to get it. */
export function ofPart(error: unknown): unknown {
  const isUnsent = error instanceof HoldfastError && error.delivery === 'not-sent' && error.code !== 'ERR_SSH_OPTION'
  return isUnsent ? withDelivery(error, 'unknown', false) : error
}

/** The server breaks the protocol: nothing that it says on this channel can be trusted any more. */
export function sftpProtocolError(problem: string, details: ErrorDetails = {}): HoldfastError {
  return new HoldfastError('ERR_SSH_SFTP_PROTOCOL', `SFTP: ${problem}`, { phase: 'request', ...details })
}

/** What a decoder found is wrong with this channel alone; the connection lives. */
export function asSftpError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError && error.code !== 'ERR_SSH_PROTOCOL') return error
  return sftpProtocolError(error instanceof Error ? error.message : String(error), { cause: error })
}
