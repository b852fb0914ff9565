import { HoldfastError } from '../errors.js'

/** What is wrong with an option of `holdfast/testing`, as the caller wrote it. */
export function optionError(option: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `${option} ${problem}`, { phase: 'options' })
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is a finite number of at least `least` */
export function checkNumber(option: string, value: number, least: number): void {
  if (!Number.isFinite(value) || value < least) throw optionError(option, `is ${value}: give a number from ${least} on`)
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is a port that one can connect to */
export function checkPort(option: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least && value <= 65_535) return
  throw optionError(option, `is ${value}: give a port from ${least} to 65535`)
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is one of `allowed` */
export function checkChoice(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw optionError(option, `is ${value}: give ${allowed.join(' or ')}`)
}
