import { configure } from '../client/config/configure.js'
import type { Configured } from '../client/config/configured.js'
import type { ConnectOptions } from '../client/options.js'
import { enforcesKnownHostsAlone, saysAnyOf, trustPaths, withBuiltIn } from '../client/policy/govern.js'
import type { Plan } from './connect-options.js'
import { checkDelegable } from './delegable.js'

/** What a program of ssh2 asked for, with a policy around it. @throws HoldfastError ERR_SSH_POLICY, ERR_SSH_OPTION */
export async function configured(plan: Plan): Promise<Configured> {
  if (plan.lacking !== undefined) checkDelegable(plan)
  return configure(withBuiltIn(trusting(plan.options), plan.builtIn))
}

/**
 * Where the program has no verifier, ssh2 accepts every key, unless a default says whom to trust; files that are enforced are
 * there to be looked at.
 */
function trusting(options: ConnectOptions): ConnectOptions {
  if (options.hostKey !== undefined || saysAnyOf(options, trustPaths)) return options
  const policy = enforcesKnownHostsAlone(options) ? undefined : 'off'
  return { ...options, hostKey: { policy, knownHosts: [], update: false } }
}
