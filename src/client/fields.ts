import { nearest } from './nearest.js'

/** Looks at the value of an option. @returns what is wrong with it, each with the name of the field; no value is in it */
export type Field = (value: unknown, name: string) => readonly string[]

export type Fields = Readonly<Record<string, Field>>

const none: readonly string[] = []

/** A value that passes. @param must what others are told, such as `must be true or false` */
export function that(passes: (value: unknown) => boolean, must: string): Field {
  return (value, name) => (passes(value) ? none : [`${name} ${must}`])
}

/** The same, or an object of these fields. @param must what they are told that are neither */
export function thatOrObject(passes: (value: unknown) => boolean, must: string, fields: Fields): Field {
  const asObject = object(fields)
  return (value, name) => {
    if (passes(value)) return none
    return isObject(value) ? asObject(value, name) : [`${name} ${must}`]
  }
}

export function listOf(item: Field): Field {
  return (value, name) => {
    if (!Array.isArray(value)) return [`${name} must be a list`]
    return Array.from(value, (each: unknown, index) => item(each, `${name}.${index}`)).flat()
  }
}

/** An object of these fields and no others, none of which has to be there. */
export function object(fields: Fields): Field {
  return (value, name) => {
    if (!isObject(value)) return [`${name} must be an object`.trimStart()]
    const prefix = name === '' ? '' : `${name}.`
    const wrong = Object.entries(fields).flatMap(([key, field]) => {
      const given = value[key]
      return given === undefined ? none : field(given, prefix + key)
    })
    return [...wrong, ...unknownIn(value, fields, prefix)]
  }
}

function unknownIn(value: object, fields: Fields, prefix: string): readonly string[] {
  const known = Object.keys(fields)
  const unknown: string[] = []
  // With those that are inherited, since those of the fields count too.
  for (const key in value) {
    if (!known.includes(key)) unknown.push(`there is no option ${prefix}${key}${nearest(key, known)}`)
  }
  return unknown
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const isFunction = (value: unknown): boolean => typeof value === 'function'
export const isBoolean = (value: unknown): boolean => typeof value === 'boolean'
export const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
/** Looked at more closely where it is parsed, which knows the field's own rules. */
export const isDuration = (value: unknown): boolean => typeof value === 'string' || Number.isFinite(value)

export const callback = that(isFunction, 'must be a function')
export const flag = that(isBoolean, 'must be true or false')
export const text = that(isText, 'must be a string, and not an empty one')
export const number = that(Number.isFinite, 'must be a number')
export const duration = that(isDuration, "must be a duration: milliseconds, or a string such as '15s'")
export const durationOrFalse = that(
  (value) => value === false || isDuration(value),
  "must be a duration: milliseconds, or a string such as '15s'; or false",
)

/** A whole number from 1 on. */
export const isCount = (value: unknown): boolean => isWithin(value, 1, Number.MAX_SAFE_INTEGER)
export const count = that(isCount, 'must be a whole number, at least 1')

export function wholeNumber(least: number, most: number): Field {
  return that((value) => isWithin(value, least, most), `must be a whole number from ${least} to ${most}`)
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
}

export function oneOf(values: readonly unknown[]): Field {
  return that((value) => values.includes(value), `must be one of ${values.join(', ')}`)
}
