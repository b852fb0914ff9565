import { HoldfastError } from '../errors.js'

/** @param field the option's path: `pty.columns` */
export function optionError(field: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `${field} ${problem}`, { phase: 'options' })
}
