import type { Agent, AgentIdentity } from '../keys/agent.js'
import { parsePublicKey } from '../keys/public-key.js'
import { Reader } from '../wire/reader.js'
import { identitiesOf, signatureOf } from './agent-calls.js'
import type { AgentLike } from './agents.js'
import { keyRules, type ParsedKey } from './parsed-key.js'
import { signatureBlob } from './signature-format.js'

const hashes: ReadonlyMap<string, string> = new Map([
  ['ssh-rsa', 'sha1'],
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
])

/** An agent of ssh2's kind, for those parts of Holdfast that take an agent. Whoever waits for it has a limit. */
export function holdfastAgent(agent: AgentLike): Agent {
  return {
    name: 'the agent of the program',
    async identities() {
      return (await identitiesOf(agent)).flatMap((key) => identityOf(key))
    },
    async sign(publicKey, algorithm, data) {
      const key = (await identitiesOf(agent)).find((held) => held.getPublicSSH().equals(publicKey.blob))
      if (key === undefined) throw new Error('the agent does not hold that key any more')
      const made = await signatureOf(agent, key, data, hashes.get(algorithm))
      return isBlob(made, algorithm) ? made : signatureBlob(algorithm, made)
    },
  }
}

function identityOf(key: ParsedKey): readonly AgentIdentity[] {
  try {
    return [{ publicKey: parsePublicKey(key.getPublicSSH(), 'public key', keyRules), comment: key.comment }]
  } catch {
    return []
  }
}

function isBlob(made: Buffer, algorithm: string): boolean {
  try {
    return new Reader('signature', made).name('algorithm') === algorithm
  } catch {
    return false
  }
}
