import { configure } from '../client/config/configure.js'
import type { Configured } from '../client/config/configured.js'
import { withBuiltIn } from '../client/policy/govern.js'
import type { Plan } from './connect-options.js'
import { checkDelegable } from './delegable.js'

/** What a program of ssh2 asked for, with a policy around it. @throws HoldfastError ERR_SSH_POLICY, ERR_SSH_OPTION */
export async function configured(plan: Plan): Promise<Configured> {
  if (plan.lacking !== undefined) checkDelegable(plan)
  return configure(withBuiltIn(plan.options, plan.builtIn))
}
