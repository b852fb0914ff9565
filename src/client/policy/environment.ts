import { isAbsolute } from 'node:path'
import { printable } from '../../wire/printable.js'
import { nearest } from '../nearest.js'
import type { Entries, Entry } from './entries.js'
import { policyError } from './file.js'
import { tcpFields, WrongValue } from './kinds.js'
import { isList, type PolicyOption, policyOption, policyOptions } from './options.js'

/** Variables by their names. */
export type Variables = Readonly<Record<string, string | undefined>>

const prefix = 'HOLDFAST_'
const policyFile = 'HOLDFAST_POLICY'
const register = 'HOLDFAST_REGISTER'
const reserved = [policyFile, register, 'HOLDFAST_DEBUG']
/** Of Holdfast's own tests. */
const ofTests = /^HOLDFAST_(TEST_\w+|LAB|LAB_REPORT)$/

/** How each option is set by the environment, and the fields of the one option that is an object. */
const settings = new Map([
  ...policyOptions.map((option) => [option.variable, { option, field: undefined }] as const),
  ...tcpFields.map(tcpField),
])
/** `false` alone, as in `connect()`. */
const keepalive = 'HOLDFAST_KEEPALIVE'
const known = [...settings.keys(), keepalive, ...reserved]

/**
 * The options that the environment sets.
 * @throws HoldfastError ERR_SSH_POLICY naming the variable; a name that is nearly one of ours was meant to do something
 */
export function readEnvironment(variables: Variables): Entries {
  const ours = Object.keys(variables).filter((name) => name.startsWith(prefix) && !ofTests.test(name))
  const unknown = ours.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw policyError(`there is no variable ${printable(unknown, 80)}${nearest(unknown.slice(0, 80), known)}`)
  if (![undefined, 'report'].includes(variables[register])) throw policyError(`${register} can only be report`)
  const entries = new Map<string, Entry>()
  for (const [name, { option, field }] of settings) {
    const text = variables[name]
    if (text === undefined) continue
    entries.set(option.path, entryOf(name, text, { option, field }, entries.get(option.path)))
  }
  readKeepalive(variables, entries)
  return entries
}

/** The file that HOLDFAST_POLICY names. @throws HoldfastError ERR_SSH_POLICY */
export function furtherPolicyFile(variables: Variables): string | undefined {
  const path = variables[policyFile]
  if (path === undefined || isAbsolute(path)) return path
  throw policyError(`${policyFile} must be an absolute path: a program can run in any directory`)
}

interface Setting {
  readonly option: PolicyOption
  readonly field: string | undefined
}

function tcpField(field: string): readonly [string, Setting] {
  const option = policyOption('keepalive.tcp')
  if (option === undefined) throw new RangeError('there is no keepalive.tcp')
  return [`${option.variable}_${field.toUpperCase()}`, { option, field }]
}

function entryOf(name: string, text: string, { option, field }: Setting, before: Entry | undefined): Entry {
  if (field !== undefined && before?.value === false)
    throw policyError(`${name} sets a value of what ${option.variable} switches off`)
  const earlier = typeof before?.value === 'object' && !isList(before.value) ? before.value : {}
  const given = field === 'count' ? Number(text) : text
  try {
    if (text === '') throw new WrongValue('is empty: give it a value, or unset it')
    const value = option.kind.read(field === undefined ? option.kind.parse(text) : { ...earlier, [field]: given })
    return { value, source: name }
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error
    throw policyError(`${name} ${error.message}`)
  }
}

function readKeepalive(variables: Variables, entries: Map<string, Entry>): void {
  const text = variables[keepalive]
  if (text === undefined) return
  if (text !== 'false')
    throw policyError(`${keepalive} can only be false; ${keepalive}_INTERVAL and others set the rest`)
  for (const path of ['keepalive.interval', 'keepalive.tcp'])
    if (!entries.has(path)) entries.set(path, { value: false, source: keepalive })
}
