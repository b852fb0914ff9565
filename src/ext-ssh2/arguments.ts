import { isUint8Array } from 'node:util/types'

/** Where an argument stands in a call: `['ssh2_exec', 2, 'command']`. */
export type Place = readonly [name: string, position: number, parameter: string]

/** @throws TypeError as PHP 8 */
export function stringArgument(place: Place, value: unknown): string {
  if (typeof value === 'string') return value
  throw wrongType(place, 'string', value)
}

/** PHP's strings are bytes. @throws TypeError as PHP 8 */
export function bytesArgument(place: Place, value: unknown): string | Buffer {
  if (typeof value === 'string') return value
  if (isUint8Array(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  throw wrongType(place, 'string', value)
}

/** @throws TypeError as PHP 8 */
export function intArgument(place: Place, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw wrongType(place, 'int', value)
}

/** Seconds and microseconds, rounded up to the next millisecond as PHP does. @throws TypeError */
export function milliseconds([name, position, parameter]: Place, seconds: unknown, microseconds: unknown): number {
  const whole = intArgument([name, position, parameter], seconds) * 1000
  return Math.max(0, whole + Math.ceil(intArgument([name, position + 1, 'microseconds'], microseconds) / 1000))
}

/** @throws TypeError, RangeError as PHP 8 its ValueError */
export function positiveArgument(place: Place, value: unknown): number {
  const number = intArgument(place, value)
  if (number > 0) return number
  throw outOfRange(place, 'greater than 0')
}

/** @throws TypeError as PHP 8 */
export function boolArgument(place: Place, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw wrongType(place, 'bool', value)
}

/** An associative array of PHP's, which is an object here; null as for none. @throws TypeError as PHP 8 */
export function arrayArgument(place: Place, value: unknown): ReadonlyMap<string, unknown> {
  if (value === null || value === undefined) return new Map()
  if (typeof value === 'object') return new Map(Object.entries(value))
  throw wrongType(place, '?array', value)
}

/** What PHP takes for a number where it is a key of an array: `7`, and not `007`. */
export function isNumericIndex(key: string): boolean {
  return /^(?:0|-?[1-9]\d*)$/.test(key)
}

export function wrongType([name, position, parameter]: Place, wanted: string, value: unknown): TypeError {
  const message = `${name}(): Argument #${position} ($${parameter}) must be of type ${wanted}, ${typeName(value)} given`
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
}

/** PHP's ValueError. @param wanted as in `must be …` */
export function outOfRange([name, position, parameter]: Place, wanted: string): RangeError {
  const message = `${name}(): Argument #${position} ($${parameter}) must be ${wanted}`
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
}

/** As PHP names it. */
function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return typeof value === 'object' ? value.constructor.name : typeof value
}
