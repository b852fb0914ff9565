import type { Duplex } from 'node:stream'
import type { AskPerson } from '../auth/prompt.js'
import type { Agent } from '../keys/agent.js'
import type { PublicKey } from '../keys/public-key.js'
import type { Duration } from '../liveness/duration.js'
import type { KeepaliveOption } from '../liveness/settings.js'
import type { Lookup } from '../socket/resolve.js'
import type { LimitOptions } from './limits.js'

/** A host key that a peer showed, as `hostKey.verify` gets it. */
export interface HostKeyQuestion {
  readonly host: string
  readonly port: number
  readonly key: PublicKey
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string
  /** What the known_hosts files say of it. */
  readonly verdict: 'known' | 'unknown' | 'changed' | 'revoked'
}

export interface HostKeyOptions {
  /** known_hosts files. Of these the first is the one written to. @default the user's and the system's */
  readonly knownHosts?: readonly string[] | undefined
  /**
   * What becomes of a host that no file knows. `accept-new` adds it; `off` checks nothing, not even changed keys.
   * @default 'strict'
   */
  readonly policy?: 'strict' | 'accept-new' | 'off' | undefined
  /** Accepts a host key by its `SHA256:…` fingerprint, and no other. */
  readonly fingerprints?: readonly string[] | undefined
  /** Decides instead of the policy. A revoked key is refused without asking. Bounded by the limit `prompt`. */
  readonly verify?: ((question: HostKeyQuestion) => boolean | Promise<boolean>) | undefined
  /** Learns further keys of a known host that it proves to own (OpenSSH's UpdateHostKeys). @default true */
  readonly update?: boolean | undefined
}

export interface AlgorithmOptions {
  readonly kex?: readonly string[] | undefined
  readonly serverHostKey?: readonly string[] | undefined
  readonly cipher?: readonly string[] | undefined
  readonly mac?: readonly string[] | undefined
  /** Signature algorithms for our own keys. */
  readonly publicKey?: readonly string[] | undefined
}

export interface SocketOptions {
  /** The address of this machine to connect from. */
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly family?: 4 | 6 | undefined
  /** TCP_NODELAY. @default true */
  readonly noDelay?: boolean | undefined
  /** In place of `dns.lookup`. */
  readonly lookup?: Lookup | undefined
}

export interface RekeyOptions {
  /** @default 1 GiB */
  readonly bytes?: number | undefined
  /** @default '1h' */
  readonly interval?: Duration | undefined
}

/** How to connect. With nothing given it does as `ssh` does: the user's name, agent, keys and known_hosts files. */
export interface ConnectOptions {
  readonly host?: string | undefined
  /** @default 22 */
  readonly port?: number | undefined
  /** @default the name of this process's user */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Asked for a new password when the peer says that the old one has expired. */
  readonly changePassword?: AskPerson | undefined
  /** The text of a private key file. */
  readonly privateKey?: string | Buffer | undefined
  /** Paths of private keys, or of public ones whose private half an agent has. @default those of `ssh` */
  readonly identityFiles?: readonly string[] | undefined
  /** Offers no other keys of the agent than those of `identityFiles`. @default false */
  readonly identitiesOnly?: boolean | undefined
  readonly passphrase?: string | Buffer | undefined
  /** The text of the certificate that belongs to `privateKey`. */
  readonly certificate?: string | Buffer | undefined
  /** The agent's socket, or an agent; false for none. @default SSH_AUTH_SOCK */
  readonly agent?: string | false | Agent | undefined
  /** Answers the peer's questions (keyboard-interactive), and gives the password when there is no `password`. */
  readonly prompt?: AskPerson | undefined
  readonly hostKey?: HostKeyOptions | undefined
  readonly algorithms?: AlgorithmOptions | undefined
  /** `false` = neither probes nor SO_KEEPALIVE. @default every 15 s, dead after 60 s of silence */
  readonly keepalive?: KeepaliveOption | undefined
  readonly limits?: LimitOptions | undefined
  readonly rekey?: RekeyOptions | undefined
  readonly socket?: SocketOptions | undefined
  /** Any stream to the peer, instead of a socket of ours. It is destroyed with the connection. */
  readonly stream?: Duplex | undefined
  /** Holds for the connection's whole life: aborting it later ends the client and everything on it. */
  readonly signal?: AbortSignal | undefined
}
