import type { AuthLimits, AuthPort } from '../auth/port.js'
import type { Plan } from './connect-options.js'
import { Login } from './login.js'
import type { PeerOwner } from './peer-owner.js'

export interface LoginParts {
  readonly port: AuthPort
  readonly plan: Plan
  readonly limits: AuthLimits
  readonly owner: Pick<PeerOwner, 'tell'>
  /** Nothing is left to try. */
  exhausted(): void
}

/** A login with what the program gave, which hears of it by the events of its client. */
export function loginOf({ port, plan, limits, owner, ...parts }: LoginParts): Login {
  const { credentials, handler, debug } = plan
  return new Login(port, {
    credentials,
    handler,
    limits,
    events: {
      banner: (message) => void owner.tell('banner', message),
      error: (error) => void owner.tell('error', error),
      keyboardInteractive: (...args) => owner.tell('keyboard-interactive', ...args),
      changePassword: (prompt, done) => owner.tell('change password', prompt, done),
      debug,
      exhausted: () => parts.exhausted(),
    },
  })
}
