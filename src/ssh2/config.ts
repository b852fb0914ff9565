import type { Duplex } from 'node:stream'
import type { AgentLike } from './agents.js'
import type { Algorithms } from './algorithms.js'
import type { AuthHandler, AuthMethod, AuthMethodName } from './auth-methods.js'

/** Says whether a host key is accepted: by what it gives back, or later by `verify`. */
export type HostVerifier = (key: Buffer, verify: (isValid: boolean) => void) => boolean | void
export type HashedHostVerifier = (keyHash: string, verify: (isValid: boolean) => void) => boolean | void

/** What `connect()` takes: the options of ssh2 1.17, by their names. Milliseconds, as there. */
export interface ConnectConfig {
  /** @default 'localhost' */
  readonly host?: string | undefined
  readonly hostname?: string | undefined
  /** @default 22 */
  readonly port?: number | string | undefined
  readonly username?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly privateKey?: string | Buffer | undefined
  readonly passphrase?: string | Buffer | undefined
  readonly agent?: string | AgentLike | undefined
  /** @default false */
  readonly agentForward?: boolean | undefined
  readonly authHandler?: readonly (AuthMethodName | AuthMethod)[] | AuthHandler | undefined
  /** @default false */
  readonly tryKeyboard?: boolean | undefined
  readonly localHostname?: string | undefined
  readonly localUsername?: string | undefined
  readonly hostHash?: string | undefined
  readonly hostVerifier?: HostVerifier | HashedHostVerifier | undefined
  /** A stream to use in place of a socket of its own. */
  readonly sock?: Duplex | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | string | undefined
  readonly forceIPv4?: boolean | undefined
  readonly forceIPv6?: boolean | undefined
  /** 0 does not turn the keepalive off: it leaves it to Holdfast's own default. @default 15 s */
  readonly keepaliveInterval?: number | undefined
  /** @default 3 */
  readonly keepaliveCountMax?: number | undefined
  /** How long everything before `ready` may take; 0 leaves it to Holdfast's own limits. @default 20000 */
  readonly readyTimeout?: number | undefined
  /** Silence of the socket after which it emits `timeout`, which ends nothing. @default none */
  readonly timeout?: number | undefined
  readonly strictVendor?: boolean | undefined
  readonly algorithms?: Algorithms | undefined
  readonly ident?: string | Buffer | undefined
  readonly debug?: ((message: string) => void) | undefined
}
