import { policyError } from '../client/policy/file.js'
import { enforcedOf } from '../client/policy/govern.js'
import type { Plan } from './connect-options.js'

/**
 * That nothing is enforced of a connection which only ssh2 can make: it would keep to none of it.
 * @throws HoldfastError ERR_SSH_POLICY, also where the policy is wrong
 */
export function checkDelegable({ lacking = '', options }: Plan): void {
  const sources = [...new Set([...enforcedOf(options).values()].map(({ source }) => source))]
  if (sources.length === 0) return
  const needs = `this connection needs what only ssh2 itself has (${lacking})`
  throw policyError(`${needs}, which would not keep to what the policy enforces (${sources.join(', ')})`)
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
