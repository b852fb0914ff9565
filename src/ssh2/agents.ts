import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { defaultLimits } from '../client/limits.js'
import { HoldfastError } from '../errors.js'
import { SocketAgent } from '../keys/agent-socket.js'
import { parsePublicKey } from '../keys/public-key.js'
import { fromOriginal, originalSsh2 } from './original.js'
import { keyRules, type ParsedKey, parseKey } from './parsed-key.js'
import { nodeSignature } from './signature-format.js'

export interface SignOptions {
  /** The hash for an RSA key: `sha256`, `sha512`. */
  readonly hash?: string | undefined
}

type IdentitiesCallback = (error?: Error | null, keys?: readonly (ParsedKey | Buffer | string)[]) => void
type SignCallback = (error?: Error | null, signature?: Buffer) => void
type StreamCallback = (error?: Error | null, stream?: Duplex) => void

/** What keeps private keys and signs with them; programs make their own from it. */
export class BaseAgent {
  getIdentities(cb: IdentitiesCallback): void {
    cb(new Error('Missing getIdentities() implementation'))
  }

  sign(
    _pubKey: ParsedKey | Buffer | string,
    _data: Buffer,
    options: SignOptions | SignCallback,
    cb: SignCallback | undefined = typeof options === 'function' ? options : undefined,
  ): void {
    cb?.(new Error('Missing sign() implementation'))
  }
}

/** One of any copy of ssh2's classes, or of the program's own, told by what it can do. */
export interface AgentLike {
  getIdentities(cb: IdentitiesCallback): void
  sign(pubKey: ParsedKey, data: Buffer, options: SignOptions, cb: SignCallback): void
  getStream?(cb: StreamCallback): void
}

export function isAgent(value: unknown): value is AgentLike {
  if (typeof value !== 'object' || value === null) return false
  return typeof Reflect.get(value, 'getIdentities') === 'function' && typeof Reflect.get(value, 'sign') === 'function'
}

/** Where an agent's socket is, where it says so: more than lists and signatures can then be forwarded to it. */
export function socketPathOf(agent: AgentLike): string | undefined {
  const path: unknown = Reflect.get(agent, 'socketPath')
  return typeof path === 'string' ? path : undefined
}

/** The agent behind a Unix socket, or a named pipe of Windows. No call of it takes longer than the limits `agent` and `prompt`. */
export class OpenSSHAgent extends BaseAgent {
  readonly socketPath: string
  readonly #agent: SocketAgent

  constructor(socketPath: string) {
    super()
    this.socketPath = socketPath
    this.#agent = new SocketAgent(socketPath, keyRules)
  }

  override getIdentities(cb: IdentitiesCallback): void {
    const keys = this.#agent
      .identities(AbortSignal.timeout(defaultLimits.agent))
      .then((identities) =>
        identities
          .map(({ publicKey, comment }) => ({ key: parseKey(publicKey.blob), comment }))
          .flatMap(({ key, comment }) => (key instanceof Error ? [] : [Object.assign(key, { comment })])),
      )
    tell(keys, cb)
  }

  override sign(
    pubKey: ParsedKey | Buffer | string,
    data: Buffer,
    options: SignOptions | SignCallback,
    cb?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : cb
    const { hash } = typeof options === 'function' ? {} : (options ?? {})
    tell(this.#sign(pubKey, data, hash), done ?? (() => {}))
  }

  getStream(cb: StreamCallback): void {
    const socket: Socket = connect({ path: this.socketPath })
    const failed = (error: Error) => cb(error)
    socket.once('error', failed)
    socket.once('connect', () => {
      socket.off('error', failed)
      cb(null, socket)
    })
  }

  async #sign(pubKey: ParsedKey | Buffer | string, data: Buffer, hash: string | undefined): Promise<Buffer> {
    const key = parseKey(pubKey)
    if (key instanceof Error) throw key
    const publicKey = parsePublicKey(key.getPublicSSH(), 'public key', keyRules)
    const algorithm = hash === undefined || key.type !== 'ssh-rsa' ? key.type : algorithmOf(hash)
    return nodeSignature(await this.#agent.sign(publicKey, algorithm, data, AbortSignal.timeout(defaultLimits.prompt)))
  }
}

function algorithmOf(hash: string): string {
  return { sha256: 'rsa-sha2-256', sha512: 'rsa-sha2-512' }[hash.toLowerCase()] ?? 'ssh-rsa'
}

/** A throw of the callback is the program's, and seen as one. */
function tell<T>(result: Promise<T>, cb: (error?: Error | null, value?: T) => void): void {
  result.then(
    (value) => queueMicrotask(() => cb(null, value)),
    (error: unknown) => queueMicrotask(() => cb(agentError(error))),
  )
}

function agentError(error: unknown): Error {
  if (error instanceof HoldfastError && error.cause instanceof Error && error.code === 'ERR_SSH_AGENT')
    return new Error('Failed to connect to agent', { cause: error })
  return error instanceof Error ? error : new Error(String(error))
}

/** Named pipes: what OpenSSH for Windows has. */
const windowsPipe = /^[/\\][/\\]\.[/\\]pipe[/\\].+/

/** @returns for a path the agent behind it; on Windows for `pageant`, and for a socket of Cygwin, what ssh2 itself has for it */
export function createAgent(path: string): AgentLike {
  if (process.platform !== 'win32' || windowsPipe.test(path)) return new OpenSSHAgent(path)
  const create = fromOriginal('createAgent')
  const agent: unknown = typeof create === 'function' ? Reflect.apply(create, undefined, [path]) : undefined
  return isAgent(agent) ? agent : new OpenSSHAgent(path)
}

/** The stream to the agent that its own class makes; undefined where it is that to a socket. */
export function ownStreamOf(agent: AgentLike): ((cb: StreamCallback) => void) | undefined {
  const getStream: unknown = Reflect.get(agent, 'getStream')
  if (typeof getStream !== 'function' || standardStreams().includes(getStream)) return undefined
  return (cb) => void Reflect.apply(getStream, agent, [cb])
}

function standardStreams(): readonly unknown[] {
  const theirs = originalSsh2()?.['OpenSSHAgent']
  const prototypes: readonly unknown[] = [
    OpenSSHAgent.prototype,
    typeof theirs === 'function' ? theirs.prototype : undefined,
  ]
  return prototypes.map((each): unknown => (each instanceof Object ? Reflect.get(each, 'getStream') : undefined))
}
