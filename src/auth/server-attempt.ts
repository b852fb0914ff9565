import type { PublicKey } from '../keys/public-key.js'
import type { InfoRequest } from '../wire/auth-messages.js'

export type ServerMethod = 'publickey' | 'password' | 'keyboard-interactive'

interface Attempt {
  readonly username: string
}

export interface NoneAttempt extends Attempt {
  readonly method: 'none'
}

export interface PublicKeyAttempt extends Attempt {
  readonly method: 'publickey'
  readonly key: PublicKey
  /** False for a query: would this key do? True when the client has proved that it owns the key. */
  readonly proved: boolean
}

export interface PasswordAttempt extends Attempt {
  readonly method: 'password'
  readonly password: string
  /** What the client wants as its password from now on, after `changePassword`. */
  readonly newPassword: string | undefined
}

export interface KeyboardInteractiveAttempt extends Attempt {
  readonly method: 'keyboard-interactive'
  /**
   * Puts a form in front of the person at the other end; as many as are needed.
   * @returns one answer a prompt
   * @throws HoldfastError when no answer comes, or the client turned to something else: let it pass
   */
  ask(form: InfoRequest): Promise<readonly string[]>
}

/** What a client tries. The methods that were not offered are refused without a question. */
export type AuthAttempt = NoneAttempt | PublicKeyAttempt | PasswordAttempt | KeyboardInteractiveAttempt

/**
 * - `accept`: the user is who he says he is. For a query: this key would do.
 * - `refuse`
 * - `partial`: right, and one of these methods is needed too (RFC 4252 section 5.1).
 * - `changePassword`: right but expired; the text asks for a new one (RFC 4252 section 8). For passwords alone.
 */
export type Decision =
  | 'accept'
  | 'refuse'
  | { readonly partial: readonly ServerMethod[] }
  | { readonly changePassword: string }

export type Authenticate = (attempt: AuthAttempt) => Promise<Decision>
