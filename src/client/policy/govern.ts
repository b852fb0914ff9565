import { HoldfastError } from '../../errors.js'
import type { Configured } from '../config/configured.js'
import type { ConnectOptions } from '../options.js'
import type { Entries, Entry } from './entries.js'
import { policyError } from './file.js'
import { canonicalNames } from './host-names.js'
import { type OptionValue, WrongValue } from './kinds.js'
import { isList, type PolicyOption, policyOptions, tightest } from './options.js'
import { type AppliedPolicy, type AskedValues, hostPolicy, type Policy, processPolicy } from './policy.js'
import { processDefaults } from './set-defaults.js'

/** What says whom to trust. Files and keys alone do so too: they are to be looked at. */
export const trustPaths = ['hostKey.policy', 'hostKey.knownHosts', 'hostKey.fingerprints']

const nothing: Entries = new Map()
const unasked: AskedValues = new Map()

/**
 * Lays what was asked for over the defaults of policy, environment and process, and under what is enforced.
 * @throws HoldfastError ERR_SSH_POLICY, ERR_SSH_OPTION
 */
export function govern(configured: Configured, given: ConnectOptions, policy: Policy = processPolicy()): Configured {
  const { options, named, alias } = configured
  const applied = appliedTo(options, alias, given, policy)
  const added = valuesUnder(applied)
  // What is enforced takes nobody's risk: it only says what is allowed.
  const risks = named ?? [...(options.algorithms?.cipher ?? []), ...(options.algorithms?.mac ?? [])]
  const held = tightened(withValues(options, added), applied.enforced)
  return {
    ...configured,
    options: held,
    named: [...risks, ...listAt(added, 'algorithms.cipher'), ...listAt(added, 'algorithms.mac')],
    policy: withHeld(applied, held === options ? applied.asked : valuesOf(held)),
  }
}

/** The limits of what is done before the rest is known: by the name that the program gave. */
export function governedLimits(given: ConnectOptions, policy: Policy = processPolicy()): ConnectOptions['limits'] {
  const applied = appliedTo(given, undefined, given, policy)
  return tightened(withValues(given, valuesUnder(applied)), applied.enforced).limits
}

/**
 * What is enforced of a connection, for who makes it in another way.
 * @throws HoldfastError ERR_SSH_POLICY
 */
export function enforcedOf(given: ConnectOptions, policy: Policy = processPolicy()): Entries {
  return appliedTo(given, undefined, given, policy).enforced
}

/**
 * What the defaults of policy, environment and process say of options that were not asked for, which are named by their paths.
 * @throws HoldfastError ERR_SSH_POLICY
 */
export function defaultsOf(
  options: ConnectOptions,
  paths: readonly string[],
  policy: Policy = processPolicy(),
): Entries {
  const applied = appliedTo(options, undefined, options, policy)
  const entries = new Map<string, Entry>()
  for (const path of paths) {
    const entry = applied.asked.has(path) ? undefined : entryUnder(applied, path)
    if (entry !== undefined) entries.set(path, entry)
  }
  return entries
}

/**
 * Whether known_hosts files are enforced of a connection, and nothing of how strict to be: for who accepts every key where
 * nobody says whom to trust.
 * @throws HoldfastError ERR_SSH_POLICY
 */
export function enforcesKnownHostsAlone(given: ConnectOptions, policy: Policy = processPolicy()): boolean {
  const enforced = enforcedOf(given, policy)
  return enforced.has('hostKey.knownHosts') && !enforced.has('hostKey.policy')
}

/**
 * The same options, with values for what neither they nor any default of policy, environment and process say: for who has
 * built-in values of its own.
 * @throws HoldfastError ERR_SSH_POLICY
 */
export function withBuiltIn(
  options: ConnectOptions,
  builtIn: ReadonlyMap<string, OptionValue>,
  policy: Policy = processPolicy(),
): ConnectOptions {
  const said = sayerOf(options, policy)
  return withValues(options, new Map([...builtIn].filter(([path]) => !said(path))))
}

/**
 * Whether they or any default of policy, environment and process say something of one of these, which are named by their paths.
 * @throws HoldfastError ERR_SSH_POLICY
 */
export function saysAnyOf(
  options: ConnectOptions,
  paths: readonly string[],
  policy: Policy = processPolicy(),
): boolean {
  return paths.some(sayerOf(options, policy))
}

function sayerOf(options: ConnectOptions, policy: Policy): (path: string) => boolean {
  const applied = appliedTo(options, undefined, options, policy)
  return (path) => applied.asked.has(path) || entryUnder(applied, path) !== undefined
}

/**
 * Brings options down to what is enforced.
 * @throws HoldfastError ERR_SSH_OPTION where what was asked for has no tighter form, or is wrong
 */
export function tightened(options: ConnectOptions, enforced: Entries): ConnectOptions {
  if (enforced.size === 0) return options
  const values = new Map<string, OptionValue>()
  for (const option of policyOptions) {
    const entry = enforced.get(option.path)
    if (entry !== undefined) values.set(option.path, bound(option, valueAt(options, option), entry))
  }
  const held = withValues(options, values)
  // The address decides the family too; one that was asked for beside it would contradict.
  if (!values.has('socket.localAddress') || values.has('socket.family')) return held
  return { ...held, socket: { ...held.socket, family: undefined } }
}

/** All of options that a policy can set. Copies: a program may go on using its objects. */
function valuesOf(options: ConnectOptions): AskedValues {
  const values = policyOptions.map((option) => [option.path, valueAt(options, option)] as const)
  const given = values.filter(([, value]) => value !== undefined)
  return given.length === 0 ? unasked : new Map(given.map(([path, value]) => [path, copyOf(value)]))
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice()
  return typeof value === 'object' && value !== null ? { ...value } : value
}

/** What was asked for under an option's path; undefined where nothing was. */
export function valueAt(options: ConnectOptions, { group, name }: PolicyOption): unknown {
  const part: unknown = Reflect.get(options, group)
  if (part === false) return name === 'interval' || name === 'tcp' ? false : undefined
  return typeof part === 'object' && part !== null ? Reflect.get(part, name) : undefined
}

type Layers = Omit<AppliedPolicy, 'held'>

/** The layers under what was asked for, the strongest first. */
export function layersUnder({ process, environment, defaults }: Layers): readonly Entries[] {
  return [process, environment, defaults]
}

/** Who gives the value of an option that was not asked for. */
export function entryUnder(applied: Layers, path: string): Entry | undefined {
  if (isCrowdedOut(applied, path)) return undefined
  return layersUnder(applied)
    .map((layer) => layer.get(path))
    .find((entry) => entry !== undefined)
}

function appliedTo(
  asked: ConnectOptions,
  alias: string | undefined,
  given: ConnectOptions,
  policy: Policy,
): Omit<AppliedPolicy, 'held'> {
  const process = processDefaults()
  const values = valuesOf(asked)
  const layers = { process, asked: values, given: given === asked ? values : valuesOf(given) }
  // Most machines have no policy, and most programs connect often.
  if (policy.documents.length + policy.environment.size + process.size === 0)
    return { files: [], defaults: nothing, environment: nothing, enforced: nothing, ...layers }
  const names = canonicalNames([alias, asked.host ?? 'stream', asked.hostKey?.alias])
  return { ...hostPolicy(policy, names), ...layers }
}

/** Each by its name: what is spread out takes three times the memory for as long as the connection lasts. */
function withHeld(applied: Layers, held: AskedValues): AppliedPolicy {
  const { files, defaults, environment, enforced, process, asked, given } = applied
  return { files, defaults, environment, enforced, process, asked, given, held }
}

/** What the layers under it add to what was asked for. */
function valuesUnder(applied: Layers): ReadonlyMap<string, OptionValue> {
  const values = new Map<string, OptionValue>()
  if (layersUnder(applied).every((layer) => layer.size === 0)) return values
  for (const option of policyOptions) {
    if (applied.asked.has(option.path)) continue
    const entry = entryUnder(applied, option.path)
    if (entry !== undefined) values.set(option.path, entry.value)
  }
  return values
}

function listAt(values: ReadonlyMap<string, OptionValue>, path: string): readonly string[] {
  const value = values.get(path)
  return isList(value) ? value : []
}

/** An address decides the family and a family the address: a weaker layer adds neither to the other. */
function isCrowdedOut(applied: Layers, path: string): boolean {
  const other = path === 'socket.family' ? 'localAddress' : 'family'
  if (path !== 'socket.family' && path !== 'socket.localAddress') return false
  if (applied.asked.has(`socket.${other}`)) return true
  const layers = layersUnder(applied)
  const strongest = layers.find((layer) => layer.has(path) || layer.has(`socket.${other}`))
  return strongest !== undefined && !strongest.has(path)
}

function bound(option: PolicyOption, asked: unknown, { value: enforced, source }: Entry): OptionValue {
  const { path, builtIn, tighter } = option
  // A list that nobody asked for is the whole of what is allowed, which can have more than the built-in one.
  const wanted = asked ?? (isList(enforced) ? enforced : builtIn())
  if (wanted === undefined || tighter === 'fixed') return enforced
  const value = tightest(option, read(option, wanted), enforced)
  if (!isList(value) || value.length > 0) return value
  throw policyError(`${path}: what the program asks for has nothing in common with what ${source} allows`)
}

/** The same options with these values in them, by their paths. */
function withValues(options: ConnectOptions, values: ReadonlyMap<string, OptionValue>): ConnectOptions {
  if (values.size === 0) return options
  const parts = new Map<string, Record<string, unknown>>()
  for (const { path, group, name } of policyOptions) {
    const value = values.get(path)
    if (value === undefined) continue
    const part = parts.get(group) ?? partOf(options, group)
    part[name] = value
    parts.set(group, part)
  }
  return { ...options, ...Object.fromEntries(parts) }
}

function partOf(options: ConnectOptions, group: string): Record<string, unknown> {
  const part: unknown = Reflect.get(options, group)
  if (part === false) return { interval: false, tcp: false }
  return typeof part === 'object' && part !== null ? { ...part } : {}
}

/** The policy looks at values of its own form; what has none would be refused later too. */
function read({ path, asked }: PolicyOption, wanted: unknown): OptionValue {
  try {
    return asked.read(wanted)
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error
    throw new HoldfastError('ERR_SSH_OPTION', `${path} ${error.message}`, { phase: 'options' })
  }
}
