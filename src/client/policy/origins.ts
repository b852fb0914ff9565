import { isDeepStrictEqual } from 'node:util'
import type { KeepaliveSettings } from '../../liveness/settings.js'
import type { Entries } from './entries.js'
import { entryUnder, valueAt } from './govern.js'
import type { OptionValue } from './kinds.js'
import { type PolicyOption, policyOptions } from './options.js'
import type { AppliedPolicy } from './policy.js'

/** Who can set an option, weakest first; a policy has its `defaults` and what it enforces. */
export type OptionLayer = 'built-in' | 'defaults' | 'environment' | 'setDefaults' | 'ssh_config' | 'call' | 'enforced'

/** A value, and who says so. Durations are in milliseconds. */
export interface OptionOrigin {
  readonly value: OptionValue
  readonly from: OptionLayer
  /** `/etc/holdfast/policy.json:7`, or the name of a variable. */
  readonly source?: string
}

/** What holds for an option. */
export interface OptionInForce extends OptionOrigin {
  /** What would hold if a policy did not enforce another value. */
  readonly wanted?: OptionOrigin
  /** What a policy enforces: the program can only be stricter. */
  readonly bound?: { readonly value: OptionValue; readonly source: string }
}

/** What a policy has to do with a connection. */
export interface PolicyStats {
  /** The files that were read, in this order. */
  readonly files: readonly string[]
  /** By the option's path, for all that a policy can set and that have a value. */
  readonly options: Readonly<Record<string, OptionInForce>>
}

/** @param keepalive as it holds by now: `keepalive.configure()` may have changed it */
export function policyStats(policy: AppliedPolicy | undefined, keepalive: KeepaliveSettings): PolicyStats {
  if (policy === undefined) return { files: [], options: {} }
  const options = policyOptions.flatMap((option) => {
    const inForce = originOf(option, policy, keepalive)
    return inForce === undefined ? [] : [[option.path, inForce] as const]
  })
  return { files: policy.files, options: Object.fromEntries(options) }
}

function originOf(
  option: PolicyOption,
  policy: AppliedPolicy,
  keepalive: KeepaliveSettings,
): OptionInForce | undefined {
  const atFirst = valueOf(option, policy.held.get(option.path)) ?? option.builtIn()
  if (atFirst === undefined) return undefined
  const now = valueOf(option, valueAt({ keepalive }, option)) ?? atFirst
  const bound = policy.enforced.get(option.path)
  const wanted = wantedOf(option, policy)
  const origin = (): OptionInForce => {
    if (!isDeepStrictEqual(now, atFirst)) return { value: now, from: 'call' }
    if (wanted !== undefined && isDeepStrictEqual(now, wanted.value)) return wanted
    return { value: now, from: 'enforced', ...(bound && { source: bound.source }), ...(wanted && { wanted }) }
  }
  return { ...origin(), ...(bound && { bound }) }
}

/** What would hold without what is enforced. */
function wantedOf(option: PolicyOption, policy: AppliedPolicy): OptionOrigin | undefined {
  const asked = valueOf(option, policy.asked.get(option.path))
  if (asked !== undefined) {
    const isOfCall = policy.given.has(option.path)
    return { value: asked, from: isOfCall ? 'call' : 'ssh_config' }
  }
  const entry = entryUnder(policy, option.path)
  if (entry !== undefined) return { ...entry, from: layerOf(option, policy) }
  const value = option.builtIn()
  return value === undefined ? undefined : { value, from: 'built-in' }
}

function layerOf({ path }: PolicyOption, { process, environment }: AppliedPolicy): OptionLayer {
  const layers: readonly (readonly [OptionLayer, Entries])[] = [
    ['setDefaults', process],
    ['environment', environment],
  ]
  return layers.find(([, entries]) => entries.has(path))?.[0] ?? 'defaults'
}

function valueOf(option: PolicyOption, value: unknown): OptionValue | undefined {
  return value === undefined ? undefined : option.asked.read(value)
}
