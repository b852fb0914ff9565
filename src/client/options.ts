import type { Duplex } from 'node:stream'
import type { AskPerson } from '../auth/prompt.js'
import type { Agent } from '../keys/agent.js'
import type { PublicKey } from '../keys/public-key.js'
import type { Duration } from '../liveness/duration.js'
import type { KeepaliveOption } from '../liveness/settings.js'
import type { Lookup } from '../socket/resolve.js'
import type { Client } from './client.js'
import type { LimitOptions } from './limits.js'
import type { ReconnectOptions } from './reconnect/options.js'

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

/** Whom to trust. What is not trusted is ERR_SSH_HOST_KEY_UNKNOWN, _CHANGED, _REVOKED or _REJECTED, before credentials are sent. */
export interface HostKeyOptions {
  /**
   * known_hosts files; `~` is the home directory. Of these the first is the one written to.
   * @default the user's and the system's
   */
  readonly knownHosts?: readonly string[] | undefined
  /**
   * What becomes of a host that no file knows. `accept-new` adds it; `off` checks nothing, not even changed keys.
   * @default 'strict'
   */
  readonly policy?: 'strict' | 'accept-new' | 'off' | undefined
  /** Accepts a host key by its `SHA256:…` fingerprint, and no other. */
  readonly fingerprints?: readonly string[] | undefined
  /**
   * Decides instead of the policy; anything but `true` refuses. A revoked key is refused without asking. Bounded by the
   * limit `prompt`.
   */
  readonly verify?: ((question: HostKeyQuestion) => boolean | Promise<boolean>) | undefined
  /** The name that stands in known_hosts for this host and port, as HostKeyAlias of ssh_config. @default none */
  readonly alias?: string | undefined
  /** Learns further keys of a known host that it proves to own (UpdateHostKeys of OpenSSH). @default true */
  readonly update?: boolean | undefined
}

/**
 * Lists of names, in order of preference, each in place of the default one (docs/connecting.md#algorithms). With none in
 * common with the peer: ERR_SSH_NEGOTIATION. To name a weak one is to take its risk.
 */
export interface AlgorithmOptions {
  /** Key exchange methods. @default mlkem768x25519-sha256 first; none with SHA-1 */
  readonly kex?: readonly string[] | undefined
  /** Host key algorithms. @default as OpenSSH 10; none with SHA-1 */
  readonly serverHostKey?: readonly string[] | undefined
  /** @default AES-GCM, AES-CTR, ChaCha20-Poly1305 */
  readonly cipher?: readonly string[] | undefined
  /** For ciphers that need one. @default HMAC with SHA-2, encrypt-then-MAC first */
  readonly mac?: readonly string[] | undefined
  /** Signature algorithms for our own keys. @default all but ssh-rsa, which is SHA-1 */
  readonly publicKey?: readonly string[] | undefined
}

/** What the TCP socket is like. */
export interface SocketOptions {
  /** The address of this machine to connect from. It decides the family too. @default any */
  readonly localAddress?: string | undefined
  /** The port of this machine to connect from. @default any */
  readonly localPort?: number | undefined
  /** Addresses of this family alone. @default both, raced */
  readonly family?: 4 | 6 | undefined
  /** How often to try to connect, a second apart, all within the limit `connect`. @default 1 */
  readonly attempts?: number | undefined
  /** TCP_NODELAY. @default true */
  readonly noDelay?: boolean | undefined
  /** Called in place of `dns.lookup`. */
  readonly lookup?: Lookup | undefined
}

/** When keys are exchanged anew, whichever comes first (RFC 4253 section 9). */
export interface RekeyOptions {
  /** Bytes in either direction; the cipher's own limit wins where it is lower. @default 1 GiB */
  readonly bytes?: number | undefined
  /** Time under the same keys. @default '1h' */
  readonly interval?: Duration | undefined
}

/**
 * Opens the stream of a connection: called for each that is made. `signal` aborts once the stream is not wanted any more;
 * one that comes later is destroyed.
 */
export type OpenStream = (signal: AbortSignal) => Duplex | Promise<Duplex>

/** A host to connect through: a target as `connect()` takes it, options, or a client in use, which stays open. */
export type Hop = string | ConnectOptions | Client

/** How to connect. With nothing given it does as `ssh` does: the user's name, agent, keys and known_hosts files. */
export interface ConnectOptions {
  /** A name or an address. Needed unless the target or `stream` is given. */
  readonly host?: string | undefined
  /** @default 22 */
  readonly port?: number | undefined
  /** @default the name of this process's user */
  readonly username?: string | undefined
  /** Also fills in a form of keyboard-interactive that asks one hidden question. */
  readonly password?: string | undefined
  /** Asked for a new password when the peer says that the old one has expired. @default `prompt` */
  readonly changePassword?: AskPerson | undefined
  /** The text of a private key file: OpenSSH, PEM or PKCS#8. One that is wrong is ERR_SSH_KEY. */
  readonly privateKey?: string | Buffer | undefined
  /** Paths of private keys, or of public ones whose private half an agent has. @default those of `ssh` */
  readonly identityFiles?: readonly string[] | undefined
  /** Certificates for keys of identity files or of an agent, beside those that stand beside the keys. @default none */
  readonly certificateFiles?: readonly string[] | undefined
  /** Offers no other keys of the agent than those of `identityFiles`. @default false */
  readonly identitiesOnly?: boolean | undefined
  /** Of `privateKey` and of identity files; a wrong one is ERR_SSH_PASSPHRASE. @default `prompt`, for files */
  readonly passphrase?: string | Buffer | undefined
  /** The text of the certificate that belongs to `privateKey`. */
  readonly certificate?: string | Buffer | undefined
  /** The agent's socket, or an agent; false for none. @default SSH_AUTH_SOCK, unless a key or password is given */
  readonly agent?: string | false | Agent | undefined
  /**
   * Lends an agent to every command on the server, as `ssh -A` does: `true` for the one that `agent` names, or that of
   * SSH_AUTH_SOCK; or the path of another one's socket, or an agent. Whoever can act as your user on the server, or as root,
   * can use its keys until the connection ends: `proxyJump` needs no such trust. @default false
   */
  readonly forwardAgent?: boolean | string | Agent | undefined
  /**
   * Answers the peer's questions (keyboard-interactive, RFC 4256), and gives the password when there is no `password`.
   * Bounded by the limit `prompt`; its time is not counted by the limit `connect`.
   */
  readonly prompt?: AskPerson | undefined
  /** Whom to trust. @default whom the known_hosts files know */
  readonly hostKey?: HostKeyOptions | undefined
  /** What to offer. @default what OpenSSH 10 does, without SHA-1 */
  readonly algorithms?: AlgorithmOptions | undefined
  /** `false` = neither probes nor SO_KEEPALIVE. @default every 15 s, dead after 60 s of silence */
  readonly keepalive?: KeepaliveOption | undefined
  /** How long each step may take. @default docs/defaults.md */
  readonly limits?: LimitOptions | undefined
  /**
   * Sessions that are open before a command, shell or SFTP asks for one, so that it starts in one round trip instead of two.
   * Each takes a place in the server's MaxSessions, and is left to whoever finds none free. @default 0
   */
  readonly sessionsAhead?: number | undefined
  /** When keys are exchanged anew. @default after 1 GiB or 1 h */
  readonly rekey?: RekeyOptions | undefined
  /** What the TCP socket is like. */
  readonly socket?: SocketOptions | undefined
  /**
   * A command whose input and output are the connection, as ProxyCommand of ssh_config(5): `%h`, `%p` and `%r` stand for
   * host, port and user. It is ended with the connection.
   */
  readonly proxyCommand?: string | undefined
  /**
   * Hosts to connect through, nearest first, as ProxyJump of ssh_config. Each is a connection of its own, with its own
   * keepalive and limits, that ends with this one. One that fails is named by `hop` of the error.
   */
  readonly proxyJump?: Hop | readonly Hop[] | undefined
  /**
   * Any open stream of bytes to the peer, instead of a socket of ours, or a function that opens one. It is destroyed with the
   * connection.
   */
  readonly stream?: Duplex | OpenStream | undefined
  /**
   * Reads ssh_config as `ssh` does, by asking `ssh -G`: the files of the user and the system, or the one named, `~` being
   * the home directory. What is given beside it wins. Where there is no ssh: ERR_SSH_UNSUPPORTED; what ssh cannot read:
   * ERR_SSH_CONFIG. @default false
   */
  readonly config?: boolean | string | undefined
  /**
   * Makes the connection anew when it is lost; `true` = with the defaults. The first one is not tried again. A call that is
   * made meanwhile waits; one that was under way fails, and its error says in `delivery` whether the server may have got it.
   * @default false
   */
  readonly reconnect?: boolean | ReconnectOptions | undefined
  /** Holds for the connection's whole life: aborting it later ends the client and everything on it. */
  readonly signal?: AbortSignal | undefined
}
