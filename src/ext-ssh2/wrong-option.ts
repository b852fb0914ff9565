import { nearest } from '../client/nearest.js'
import { HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'

/** What a program asks for cannot be had. */
export function wrongOption(problem: string, hint?: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', problem, { phase: 'options', hint })
}

/** What options may be called, and what is said of those that are not. */
export interface KnownNames {
  /** What they are part of. */
  readonly of: string
  readonly names: readonly string[]
  readonly hint?: string
}

/**
 * A slip of the pen must not do away with what it was to say, whom to trust above all.
 * @param given null and undefined as for nothing
 * @throws HoldfastError ERR_SSH_OPTION for what is no object, or has a name that is none of these
 */
export function checkNames(given: unknown, { of, names, hint }: KnownNames): void {
  if (given === undefined || given === null) return
  if (typeof given !== 'object') throw wrongOption(`${of} must be an object, and is a ${typeof given}`, hint)
  const stranger = Object.keys(given).find((name) => !names.includes(name))
  if (stranger === undefined) return
  const shown = printable(stranger, 60)
  throw wrongOption(`${of}: ${shown} is none of ${names.join(', ')}${nearest(shown, names)}`, hint)
}
