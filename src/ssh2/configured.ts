import { configure } from '../client/config/configure.js'
import type { Configured } from '../client/config/configured.js'
import type { ConnectOptions } from '../client/options.js'
import { enforcesKnownHostsAlone, withBuiltIn } from '../client/policy/govern.js'
import type { Plan } from './connect-options.js'
import { checkDelegable } from './delegable.js'

/** What a program of ssh2 asked for, with a policy around it. @throws HoldfastError ERR_SSH_POLICY, ERR_SSH_OPTION */
export async function configured(plan: Plan): Promise<Configured> {
  if (plan.lacking !== undefined) checkDelegable(plan)
  return configure(withBuiltIn(looking(plan.options), plan.builtIn))
}

/** Where the program has no verifier, ssh2 accepts every key; files that are enforced are there to be looked at. */
function looking(options: ConnectOptions): ConnectOptions {
  if (options.hostKey?.policy !== 'off' || !enforcesKnownHostsAlone(options)) return options
  return { ...options, hostKey: { ...options.hostKey, policy: undefined } }
}
