import { HoldfastError } from '../errors.js'

/** @param field the option's path: `pty.columns` */
export function optionError(field: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `${field} ${problem}`, { phase: 'options' })
}

/** A callback, or a timeout in its place, would be dropped without a word. @throws HoldfastError ERR_SSH_OPTION */
export function checkObject(options: unknown): asserts options is object {
  if (typeof options !== 'object' || options === null) throw optionError('options', 'must be an object')
}

/** A limit whose name is misspelt would be no limit at all. @throws HoldfastError ERR_SSH_OPTION */
export function checkNames(options: unknown, known: readonly string[]): void {
  checkObject(options)
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) throw optionError(unknown, `is no option here; known are ${known.join(', ')}`)
}
