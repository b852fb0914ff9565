import process from 'node:process'
import { HoldfastError } from '../errors.js'

export type Says = string | ((error: HoldfastError) => string)

/** One call of a function of PHP's. */
export interface Call {
  /** `ssh2_exec` */
  readonly name: string
  /** What PHP's warning says where it fails, whatever by; the reason is put behind it. @default the reason alone */
  readonly says?: Says | undefined
  /** Whether PHP gives no warning for it. @default false */
  readonly isQuiet?: boolean | undefined
  /** Whose `ssh2_last_error()` it becomes: the session, and the handle that the function was given. */
  readonly of: readonly object[]
}

const lastErrors = new WeakMap<object, HoldfastError>()
let latest: HoldfastError | undefined

/**
 * Why a function last answered `false`: of a session, stream or other handle, or without one of all. Undefined where
 * nothing has failed.
 */
export function ssh2_last_error(handle?: object): HoldfastError | undefined {
  return handle === undefined ? latest : lastErrors.get(handle)
}

/**
 * Answers as PHP does: what fails is a warning and `false`. What is no failure but a mistake, a TypeError, goes to the caller.
 */
export async function orFalse<T>(call: Call, work: () => Promise<T>): Promise<T | false> {
  try {
    return await work()
  } catch (error) {
    return failed(call, error)
  }
}

/** The same for what waits for nothing. */
export function orFalseNow<T>(call: Call, work: () => T): T | false {
  try {
    return work()
  } catch (error) {
    return failed(call, error)
  }
}

/** PHP's E_WARNING: a warning of this process, of a type of its own, that no exception comes of. */
export function warn(name: string, text: string, error?: HoldfastError): void {
  const details = error === undefined ? {} : { code: error.code, detail: error.hint }
  process.emitWarning(`${name}(): ${text}`, { type: 'Ssh2Warning', ...details })
}

function failed({ name, says, isQuiet = false, of }: Call, error: unknown): false {
  if (!(error instanceof HoldfastError)) throw error
  latest = error
  for (const handle of of) lastErrors.set(handle, error)
  const text = typeof says === 'function' ? says(error) : says
  if (!isQuiet) warn(name, text === undefined ? error.message : `${text}: ${error.message}`, error)
  return false
}
