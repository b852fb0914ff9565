import { HoldfastError } from '../errors.js'

/** @param field the option's path: `pty.columns` */
export function optionError(field: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `${field} ${problem}`, { phase: 'options' })
}

/** A limit whose name is misspelt would be no limit at all. */
export function checkNames(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) throw optionError(unknown, `is no option here; known are ${known.join(', ')}`)
}
