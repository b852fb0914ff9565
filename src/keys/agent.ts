/** The protocol of authentication agents: draft-ietf-sshm-ssh-agent. Nothing in here waits or opens anything. */
import { HoldfastError } from '../errors.js'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import { type KeyRules, safeKeys } from './key-types/key-type.js'
import { plainName } from './key-types/registry.js'
import { type PublicKey, parsePublicKey } from './public-key.js'
import { signatureAlgorithm } from './signature.js'

/**
 * A program that keeps private keys and signs with them. It may hang, or wait for a person; so each call takes the
 * signal by which its caller gives up.
 */
export interface Agent {
  /** As errors are to show it: `the agent at /run/user/1000/agent`. */
  readonly name: string
  /**
   * The keys that it holds, in its own order. Keys of types that are not supported here are left out.
   * @throws HoldfastError ERR_SSH_AGENT, ERR_SSH_ABORTED, ERR_SSH_CLOSED
   */
  identities(signal: AbortSignal): Promise<readonly AgentIdentity[]>
  /**
   * @param algorithm one of the key's `signatureAlgorithms`
   * @returns a signature blob (RFC 4253 section 6.6), by that algorithm and no other
   * @throws HoldfastError ERR_SSH_AGENT, ERR_SSH_ABORTED, ERR_SSH_CLOSED
   */
  sign(key: PublicKey, algorithm: string, data: Buffer, signal: AbortSignal): Promise<Buffer>
}

export interface AgentIdentity {
  readonly publicKey: PublicKey
  readonly comment: string
}

export const agentMessage = {
  failure: 5,
  requestIdentities: 11,
  identitiesAnswer: 12,
  signRequest: 13,
  signResponse: 14,
  extension: 27,
} as const

/** OpenSSH's MAX_AGENT_IDENTITIES. */
const maxIdentities = 2048

const signFlags = new Map([
  ['rsa-sha2-256', 2],
  ['rsa-sha2-512', 4],
])

export function agentError(agent: string, problem: string, cause?: unknown): HoldfastError {
  return new HoldfastError('ERR_SSH_AGENT', `${agent} ${problem}`, cause === undefined ? {} : { cause })
}

/** Reads what an agent says: what is wrong with it is an error of the agent, not of the peer. */
class AgentReader extends Reader {
  readonly #agent: string

  constructor(agent: string, bytes: Buffer) {
    super(agent, bytes)
    this.#agent = agent
  }

  override error(field: string, problem: string): HoldfastError {
    return agentError(this.#agent, `sent a wrong answer: ${field} ${problem}`)
  }
}

export function encodeIdentitiesRequest(): Buffer {
  return Buffer.of(agentMessage.requestIdentities)
}

export function encodeSignRequest(key: PublicKey, algorithm: string, data: Buffer): Buffer {
  const flags = signFlags.get(plainName(algorithm)) ?? 0
  return new Writer().byte(agentMessage.signRequest).string(key.blob).string(data).uint32(flags).finish()
}

/** What a server proved of itself in the first key exchange. */
export interface ServerProof {
  readonly hostKey: Buffer
  readonly sessionId: Buffer
  /** By the host key, over the session identifier. */
  readonly signature: Buffer
}

/**
 * Tells the agent that whoever speaks on this connection from now on is beyond that server (OpenSSH PROTOCOL.agent section 1):
 * it lets them have the keys that may be used from there, and load no code.
 */
export function encodeForwardingBinding({ hostKey, sessionId, signature }: ServerProof): Buffer {
  const message = new Writer().byte(agentMessage.extension).string('session-bind@openssh.com')
  return message.string(hostKey).string(sessionId).string(signature).boolean(true).finish()
}

/** @throws HoldfastError ERR_SSH_AGENT */
export function decodeIdentities(answer: Buffer, agent: string, rules: KeyRules = safeKeys): readonly AgentIdentity[] {
  const reader = new AgentReader(agent, answer)
  expect(reader, agentMessage.identitiesAnswer, agent, 'refused to list its keys')
  const count = reader.uint32('number of keys')
  if (count > maxIdentities)
    throw reader.error('number of keys', `is ${count}, where at most ${maxIdentities} are allowed`)
  const identities: (AgentIdentity | undefined)[] = []
  for (let index = 0; index < count; index++) {
    const blob = reader.string('key')
    const comment = reader.text('comment')
    identities.push(parseIdentity(blob, comment, rules))
  }
  reader.end()
  return identities.filter((identity) => identity !== undefined)
}

/** Agents hold keys of types that we lack, and what `ssh-add` took in without checking it: neither hides the others. */
function parseIdentity(blob: Buffer, comment: string, rules: KeyRules): AgentIdentity | undefined {
  try {
    return { publicKey: parsePublicKey(blob, 'public key', rules), comment }
  } catch {
    return undefined
  }
}

/** @throws HoldfastError ERR_SSH_AGENT */
export function decodeSignature(answer: Buffer, algorithm: string, agent: string): Buffer {
  const reader = new AgentReader(agent, answer)
  expect(reader, agentMessage.signResponse, agent, 'refused to sign')
  const signature = reader.string('signature')
  reader.end()
  // Agents that do not know the flags for SHA-2 sign by SHA-1, which nobody asked for.
  const made = signatureAlgorithm(signature)
  if (made === plainName(algorithm)) return signature
  throw agentError(agent, `signed by ${made ?? 'no algorithm that can be read'}, where ${algorithm} was asked for`)
}

function expect(reader: AgentReader, wanted: number, agent: string, refused: string): void {
  const number = reader.byte('message number')
  if (number === wanted) return
  if (number === agentMessage.failure) throw agentError(agent, refused)
  throw reader.error('message number', `is ${number}, where ${wanted} was to come`)
}
