import * as v from 'valibot'
import { nearest } from './nearest.js'

/** What an option may be. Its messages say what it must be, and never show a value: it could be a secret in the wrong place. */
export type Field = v.GenericSchema

type Fields = Readonly<Record<string, Field>>

/** What one of these fields takes. @param must what others are told, such as `must be true or false` */
export function anyOf(fields: readonly Field[], must: string): Field {
  return v.custom((value) => fields.some((field) => v.is(field, value)), must)
}

/** An object of these fields and no others, none of which has to be there. */
export function object(fields: Fields): Field {
  return orObject(v.never(), 'must be an object', fields)
}

/** What another field takes, or an object of these. @param must what they are told that are neither */
export function orObject(field: Field, must: string, fields: Fields): Field {
  const other = anyOf([field], must)
  const asObject = strict(fields)
  return v.lazy((value) => (isObject(value) ? asObject : other))
}

function strict(fields: Fields): Field {
  // Without a prototype: `constructor` is no option.
  const entries: Record<string, Field> = {}
  Object.setPrototypeOf(entries, null)
  for (const [name, field] of Object.entries(fields)) entries[name] = v.optional(field)
  return v.strictObject(entries, ({ received }) => nearest(received.slice(1, -1), Object.keys(fields)))
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function listOf(item: Field): Field {
  return v.array(item, 'must be a list')
}

export function oneOf(values: readonly (string | number)[]): Field {
  return v.picklist(values, `must be one of ${values.join(', ')}`)
}

export function matching(pattern: RegExp, must: string): Field {
  return v.pipe(v.string(must), v.regex(pattern, must))
}

export const callback = v.function('must be a function')
export const flag = v.boolean('must be true or false')
export const off = v.literal(false)

const isNotEmpty = 'must be a string, and not an empty one'
export const text = v.pipe(v.string(isNotEmpty), v.nonEmpty(isNotEmpty))

const isNumber = 'must be a number'
export const number = v.pipe(v.number(isNumber), v.finite(isNumber))

const isDuration = "must be a duration: milliseconds, or a string such as '15s'"
/** Looked at more closely where it is parsed, which knows the field's own rules. */
export const duration = anyOf([v.string(), number], isDuration)
export const durationOrFalse = anyOf([duration, off], `${isDuration}; or false`)

/** A whole number from 1 on. */
export const count = wholeNumber(1, Number.MAX_SAFE_INTEGER, 'must be a whole number, at least 1')
export const countOrFalse = anyOf([count, off], 'must be a whole number, at least 1, or false')

export function wholeNumber(least: number, most: number, must = `must be a whole number from ${least} to ${most}`) {
  return v.pipe(v.number(must), v.safeInteger(must), v.minValue(least, must), v.maxValue(most, must))
}

/** @returns what is wrong with a value, each with the name of the field */
export function problemsIn(value: unknown, field: Field): readonly string[] {
  const { issues } = v.safeParse(field, value, { abortPipeEarly: true })
  return issues?.map(describe) ?? []
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? ''
  return issue.type === 'strict_object'
    ? `there is no option ${path}${issue.message}`
    : `${path} ${issue.message}`.trimStart()
}
