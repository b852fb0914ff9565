import type { LimitName } from '../../errors.js'
import { type KeepaliveSettings, resolveKeepalive } from '../../liveness/settings.js'
import { type CommandLimit, commandLimits } from '../../session/options.js'
import { tightened } from './govern.js'
import type { HostPolicy } from './policy.js'

/** The longest that a policy allows for a limit, in milliseconds; undefined where it enforces none. */
export function limitBound(policy: HostPolicy | undefined, name: LimitName): number | undefined {
  const value = policy?.enforced.get(`limits.${name}`)?.value
  return typeof value === 'number' ? value : undefined
}

/** The same for the limits of commands. */
export function commandBounds(policy: HostPolicy | undefined): Partial<Record<CommandLimit, number>> {
  const bounds = commandLimits.map((name) => [name, limitBound(policy, name)] as const)
  return Object.fromEntries(bounds.filter(([, bound]) => bound !== undefined))
}

/** A keepalive brought down to what a policy enforces. */
export function boundKeepalive(policy: HostPolicy | undefined, settings: KeepaliveSettings): KeepaliveSettings {
  if (policy === undefined || policy.enforced.size === 0) return settings
  const { keepalive } = tightened({ keepalive: settings }, policy.enforced)
  return resolveKeepalive(keepalive ?? {}, settings)
}
