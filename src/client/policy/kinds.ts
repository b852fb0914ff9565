import { isAbsolute } from 'node:path'
import { HoldfastError } from '../../errors.js'
import { parseDuration } from '../../liveness/duration.js'
import { resolveKeepalive, type TcpKeepaliveSettings } from '../../liveness/settings.js'
import { familyOf } from '../../socket/resolve.js'
import { nearest } from '../nearest.js'

/** The value of an option, durations in milliseconds. */
export type OptionValue = boolean | number | string | readonly string[] | TcpKeepaliveSettings

/** What values an option can have. */
export interface Kind {
  /** The value in the one form that is used here. @throws WrongValue */
  read(value: unknown): OptionValue
  /** What the text of an environment variable stands for; `read` looks at it next. */
  parse(text: string): unknown
  /** JSON schema. */
  readonly schema: object
  /** The same without the value that binds nobody. @default schema */
  readonly enforcedSchema?: object
}

/** Why a value is none of its option. The value itself is not in it. */
export class WrongValue extends Error {}

const durationText = {
  type: 'string',
  pattern: '^(?=.*[1-9])\\d+(\\.\\d+)?(ms|s|m|h)$',
  description: '250ms, 15s, 2m or 1h',
}
const durationSchema = { anyOf: [{ type: 'number', minimum: 1, description: 'milliseconds' }, durationText] }

/** In a variable it needs its unit: whoever writes a bare number may mean seconds. */
export const duration: Kind = {
  read: readDuration,
  parse: String,
  schema: durationSchema,
}

const intervalSchema = {
  anyOf: [
    { type: 'number', minimum: 1000, description: 'milliseconds' },
    { ...durationText, pattern: '^([1-9]\\d*(\\.\\d+)?[smh]|[1-9]\\d{3,}(\\.\\d+)?ms)$' },
  ],
}

/** Not shorter than a second: a peer that is asked more often is only burdened. */
export const interval: Kind = {
  read(value) {
    const ms = value === false ? false : readDuration(value)
    if (ms === false || ms >= 1000) return ms
    throw new WrongValue("must be at least '1s', or false")
  },
  parse: falseOrText,
  schema: { anyOf: [...intervalSchema.anyOf, { const: false }] },
  enforcedSchema: intervalSchema,
}

/** A duration, or `false` for none. */
export const optionalDuration: Kind = {
  read: (value) => (value === false ? false : readDuration(value)),
  parse: falseOrText,
  schema: { anyOf: [...durationSchema.anyOf, { const: false }] },
  enforcedSchema: durationSchema,
}

export const count: Kind = {
  read(value) {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
    throw new WrongValue('must be a whole number, at least 1')
  },
  parse: digits,
  schema: { type: 'integer', minimum: 1 },
}

export const flag: Kind = {
  read(value) {
    if (typeof value === 'boolean') return value
    throw new WrongValue('must be true or false')
  },
  parse: trueOrFalse,
  schema: { type: 'boolean' },
}

/** One that a policy can only enforce to be on. */
export const onFlag: Kind = { ...flag, enforcedSchema: { const: true } }

export const family: Kind = {
  read(value) {
    if (value === 4 || value === 6) return value
    throw new WrongValue('must be 4 or 6')
  },
  parse: digits,
  schema: { enum: [4, 6] },
}

export const address: Kind = {
  read(value) {
    if (typeof value === 'string' && familyOf(value) !== undefined) return value
    throw new WrongValue('must be an IP address')
  },
  parse: String,
  schema: { type: 'string', pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$|:' },
}

const tcpSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { idle: durationSchema, interval: durationSchema, count: { type: 'integer', minimum: 1 } },
}

export const tcpFields = ['idle', 'interval', 'count']

/** SO_KEEPALIVE. */
export const tcpKeepalive: Kind = {
  read(value) {
    if (typeof value !== 'boolean' && (typeof value !== 'object' || value === null || Array.isArray(value)))
      throw new WrongValue('must be true, false, or an object with idle, interval and count')
    if (typeof value === 'boolean') return value
    const unknown = Object.keys(value).find((name) => !tcpFields.includes(name))
    if (unknown !== undefined)
      throw new WrongValue(`has idle, interval and count alone${nearest(unknown.slice(0, 60), tcpFields)}`)
    return readBy(() => resolveKeepalive({ tcp: value }).tcp, 'has idle or interval shorter than 1s, or a wrong count')
  },
  parse: trueOrFalse,
  schema: { anyOf: [{ type: 'boolean' }, tcpSchema] },
  enforcedSchema: { anyOf: [{ const: true }, tcpSchema] },
}

/** One of a few words, the loosest last. */
export function choice(words: readonly string[]): Kind {
  return {
    enforcedSchema: { enum: words.slice(0, -1) },
    read(value) {
      if (typeof value === 'string' && words.includes(value)) return value
      const like = typeof value === 'string' ? nearest(value.slice(0, 60), words) : ''
      throw new WrongValue(`must be one of ${words.join(', ')}${like}`)
    },
    parse: String,
    schema: { enum: words },
  }
}

/** A list of names that are known here. */
export function namesOf(known: readonly string[]): Kind {
  return list({ enum: known }, (text) => {
    if (known.includes(text)) return
    throw new WrongValue(`has a name that is not known here${nearest(text.slice(0, 60), known)}`)
  })
}

/** Paths of files that mean the same wherever a program runs. */
export const filePaths: Kind = list({ type: 'string', pattern: '^(/|~[/\\\\]|[A-Za-z]:[/\\\\])' }, (text) => {
  if (!isAbsolute(text) && !/^~[/\\]/.test(text))
    throw new WrongValue('must hold absolute paths, or such as begin with ~/')
})

/** What a program may give for these: whatever it is, the place that uses it looks at it. */
export const anyTexts: Kind = list({ type: 'string' }, () => {}, 0)
export const anyText: Kind = {
  read(value) {
    if (typeof value === 'string') return value
    throw new WrongValue('must be a text')
  },
  parse: String,
  schema: { type: 'string' },
}

const fingerprint = '^SHA256:[A-Za-z0-9+/]{43}$'

export const fingerprints: Kind = list({ type: 'string', pattern: fingerprint }, (text) => {
  if (!new RegExp(fingerprint).test(text)) throw new WrongValue('must hold fingerprints that look like SHA256:…')
})

/** @param least how many it must have */
function list(items: object, check: (text: string) => void, least = 1): Kind {
  return {
    read(value) {
      if (!Array.isArray(value) || value.length < least) throw new WrongValue('must be a list, and not an empty one')
      const read = value.map((item: unknown) => {
        if (typeof item !== 'string') throw new WrongValue('must be a list of texts')
        check(item)
        return item
      })
      // `stats()` shows it to the program.
      return Object.freeze(read)
    },
    parse: (text) => text.split(',').map((item) => item.trim()),
    schema: { type: 'array', minItems: least, items },
  }
}

function readDuration(value: unknown): number {
  return readBy(
    () => parseDuration(value, 'value'),
    "must be a duration: milliseconds from 1 on, or '250ms', '15s', '2m', '1h'",
  )
}

/** @param problem takes the place of the words that show the value */
function readBy<Value>(read: () => Value, problem: string): Value {
  try {
    return read()
  } catch (error) {
    if (error instanceof HoldfastError) throw new WrongValue(problem)
    throw error
  }
}

/** A number in no other notation than a person writes: `0x5`, `1e3` and an empty text stay texts, which no count is. */
function digits(text: string): unknown {
  return /^\d+$/.test(text) ? Number(text) : text
}

function falseOrText(text: string): unknown {
  return text === 'false' ? false : text
}

function trueOrFalse(text: string): unknown {
  return text === 'true' || text === 'false' ? text === 'true' : text
}
