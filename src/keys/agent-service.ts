/** The agent's side of the protocol: an agent that is an object answers those who speak to it in messages. */
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import { type Agent, agentMessage } from './agent.js'
import { type PublicKey, parsePublicKey } from './public-key.js'

/** Those of RSA keys (RFC 9987); all others sign in the one way that they have. */
const rsaAlgorithms = new Map([
  [0, 'ssh-rsa'],
  [2, 'rsa-sha2-256'],
  [4, 'rsa-sha2-512'],
])

/** Lists keys and signs. What it cannot do, or does not know, is answered by a failure, as agents do. Never rejects. */
export async function answerByAgent(agent: Agent, request: Buffer, signal: AbortSignal): Promise<Buffer> {
  try {
    return await answer(agent, request, signal)
  } catch {
    return failure()
  }
}

async function answer(agent: Agent, request: Buffer, signal: AbortSignal): Promise<Buffer> {
  const reader = new Reader('request to the agent', request)
  switch (reader.byte('message number')) {
    case agentMessage.requestIdentities: {
      reader.end()
      return encodeIdentities(agent, signal)
    }
    case agentMessage.signRequest: {
      const key = parsePublicKey(reader.string('key'))
      const data = reader.string('data')
      const algorithm = algorithmOf(key, reader.uint32('flags'))
      reader.end()
      if (algorithm === undefined) return failure()
      const signature = await agent.sign(key, algorithm, data, signal)
      return new Writer().byte(agentMessage.signResponse).string(signature).finish()
    }
    default:
      return failure()
  }
}

async function encodeIdentities(agent: Agent, signal: AbortSignal): Promise<Buffer> {
  const identities = await agent.identities(signal)
  const writer = new Writer().byte(agentMessage.identitiesAnswer).uint32(identities.length)
  for (const { publicKey, comment } of identities) writer.string(publicKey.blob).string(comment)
  return writer.finish()
}

function algorithmOf({ plainType, signatureAlgorithms }: PublicKey, flags: number): string | undefined {
  if (plainType !== 'ssh-rsa') return signatureAlgorithms[0]
  const algorithm = rsaAlgorithms.get(flags)
  return algorithm !== undefined && signatureAlgorithms.includes(algorithm) ? algorithm : undefined
}

function failure(): Buffer {
  return Buffer.of(agentMessage.failure)
}
