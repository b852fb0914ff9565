import type { ConnectOptions } from '../client/options.js'
import type { Entries } from '../client/policy/entries.js'
import { policyError } from '../client/policy/file.js'
import { defaultsOf, enforcedOf, trustPaths } from '../client/policy/govern.js'
import type { Plan } from './connect-options.js'

/**
 * That nothing is enforced of a connection which only ssh2 can make, since it would keep to none of it; and that no default
 * says whom to trust where the program does not, since it would accept every key.
 * @throws HoldfastError ERR_SSH_POLICY, also where the policy is wrong
 */
export function checkDelegable({ lacking = '', options }: Plan): void {
  const needs = `this connection needs what only ssh2 itself has (${lacking})`
  const enforced = sourcesOf(enforcedOf(options))
  if (enforced !== '') throw policyError(`${needs}, which would not keep to what the policy enforces (${enforced})`)
  const trusted = sourcesOf(trustOf(options))
  if (trusted !== '') throw policyError(`${needs}, which would accept every host key against its defaults (${trusted})`)
}

/** What defaults say of whom to trust, where the program does not. */
function trustOf(options: ConnectOptions): Entries {
  const defaults: Entries = options.hostKey === undefined ? defaultsOf(options, trustPaths) : new Map()
  const asksNobody = defaults.get('hostKey.policy')?.value === 'off' && !defaults.has('hostKey.fingerprints')
  return asksNobody ? new Map() : defaults
}

function sourcesOf(entries: Entries): string {
  return [...new Set([...entries.values()].map(({ source }) => source))].join(', ')
}

/** Whether ssh2 may make it. */
export function isDelegable(plan: Plan): boolean {
  try {
    checkDelegable(plan)
    return true
  } catch {
    return false
  }
}
