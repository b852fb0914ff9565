import { HoldfastError } from '../errors.js'

/** @param field the option's path: `pty.columns` */
export function optionError(field: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `${field} ${problem}`, { phase: 'options' })
}

/** A callback, or a timeout in its place, would be dropped without a word. @throws HoldfastError ERR_SSH_OPTION */
function checkObject(field: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null) throw optionError(field, 'must be an object')
}

/**
 * A limit whose name is misspelt would be no limit at all.
 * @param field the path of an option that has names of its own. @default these are the options themselves
 * @throws HoldfastError ERR_SSH_OPTION
 */
export function checkNames(value: unknown, known: readonly string[], field?: string): void {
  checkObject(field ?? 'options', value)
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const path = field === undefined ? unknown : `${field}.${unknown}`
  throw optionError(path, `is no option here; known are ${known.join(', ')}`)
}
