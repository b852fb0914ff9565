import { nearest } from '../client/nearest.js'
import { HoldfastError } from '../errors.js'

/** What is wrong with an option of `holdfast/testing`, as the caller wrote it. */
export function optionError(option: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `${option} ${problem}`, { phase: 'options' })
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is an object, and no list */
export function checkObject(option: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw optionError(option, `is ${kindOf(value)}: give an object`)
}

/**
 * @param fields all that it may have
 * @throws HoldfastError ERR_SSH_OPTION unless `value` is an object of these fields; it names the first that is none
 */
export function checkFields<T extends object>(option: string, value: T, fields: Readonly<Record<keyof T, true>>): void {
  checkObject(option, value)
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name))
  if (unknown === undefined) return
  const path = option === 'options' ? unknown : `${option}.${unknown}`
  throw optionError(path, `is no option${nearest(unknown, Object.keys(fields))}`)
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is a list */
export function checkList(option: string, value: unknown): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw optionError(option, `is ${kindOf(value)}: give a list`)
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is of that type; left out, it is right */
export function checkType(option: string, value: unknown, type: 'string' | 'boolean' | 'function'): void {
  if (value !== undefined && typeof value !== type) throw optionError(option, `is ${kindOf(value)}: give a ${type}`)
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is text */
export function checkText(option: string, value: unknown): void {
  if (typeof value !== 'string') throw optionError(option, `is ${kindOf(value)}: give a string`)
}

/** Never the value: it may be a password in the wrong place. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}

/** A value that should have been a number or one of a few. */
function shown(value: unknown): string {
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'symbol'
  return isPlain ? String(value) : kindOf(value)
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is a finite number of at least `least` */
export function checkNumber(option: string, value: number, least: number): void {
  if (!Number.isFinite(value) || value < least)
    throw optionError(option, `is ${shown(value)}: give a number from ${least} on`)
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is a port that one can connect to */
export function checkPort(option: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least && value <= 65_535) return
  throw optionError(option, `is ${shown(value)}: give a port from ${least} to 65535`)
}

/** @throws HoldfastError ERR_SSH_OPTION unless `value` is one of `allowed` */
export function checkChoice(option: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.some((one) => one === value))
    throw optionError(option, `is ${shown(value)}: give ${allowed.join(' or ')}`)
}
