import { HoldfastError } from '../errors.js'
import type { Agent, AgentIdentity } from '../keys/agent.js'
import type { Identity } from '../keys/identities.js'
import type { PrivateKey } from '../keys/private-key.js'
import type { PublicKey } from '../keys/public-key.js'
import type { Signer, SignerSource } from './signer.js'

/** A private key in memory. `source` says where it came from, for errors. */
export function keySigner(key: PrivateKey, source: string): Signer {
  return {
    publicKey: key.publicKey,
    source,
    waitsOn: 'nothing',
    sign: async (algorithm, data) => key.sign(algorithm, data),
  }
}

/** A private key that its passphrase still locks: `unlock` is called once the peer would take it. */
export function lockedKeySigner(
  publicKey: PublicKey,
  source: string,
  unlock: (signal: AbortSignal) => Promise<PrivateKey>,
): Signer {
  return {
    publicKey,
    source,
    waitsOn: 'person',
    sign: async (algorithm, data, signal) => (await unlock(signal)).sign(algorithm, data),
  }
}

/** A key that a file names, and what vouches for it. */
export type ChosenKey = Pick<Identity, 'publicKey' | 'certificates'>

export interface AgentChoice {
  /** The keys that identity files name. Servers end a connection after some refusals, so these are tried first. */
  readonly chosen: readonly ChosenKey[]
  /** What becomes of the agent's other keys; `unused` is IdentitiesOnly of ssh_config. */
  readonly others: 'after' | 'unused'
}

/**
 * The keys of an agent as ssh uses them: in its own order, but the chosen ones first. A certificate that stands beside
 * a chosen key is used with it, though the agent may hold the key alone.
 */
export function agentSigners(agent: Agent, { chosen, others }: AgentChoice): SignerSource {
  const choiceOf = ({ publicKey }: AgentIdentity) => chosen.find((key) => isSameKey(key.publicKey, publicKey))
  return {
    name: agent.name,
    async signers(signal) {
      const held = await agent.identities(signal)
      const first = held.filter((identity) => choiceOf(identity) !== undefined)
      const rest = others === 'unused' ? [] : held.filter((identity) => choiceOf(identity) === undefined)
      return [...first, ...rest].flatMap((identity) => {
        const signer = agentSigner(agent, identity.publicKey)
        const certificates = choiceOf(identity)?.certificates.filter((certificate) => !holds(held, certificate)) ?? []
        return [...certificates.map((certificate) => certifiedSigner(signer, certificate)), signer]
      })
    },
  }
}

/** Of certificates, the keys that they are for count. */
function isSameKey(one: PublicKey, other: PublicKey): boolean {
  return one.plainBlob.equals(other.plainBlob)
}

function holds(held: readonly AgentIdentity[], key: PublicKey): boolean {
  return held.some(({ publicKey }) => publicKey.blob.equals(key.blob))
}

function agentSigner(agent: Agent, publicKey: PublicKey): Signer {
  return {
    publicKey,
    source: agent.name,
    // A security key is touched for each signature, unless it was made with `no-touch-required`, which is rare.
    waitsOn: publicKey.plainType.startsWith('sk-') ? 'person' : 'agent',
    sign: (algorithm, data, signal) => agent.sign(publicKey, algorithm, data, signal),
  }
}

/**
 * The same key with a certificate that vouches for it.
 * @throws HoldfastError ERR_SSH_KEY when the certificate is another key's, or none
 */
export function certifiedSigner(signer: Signer, certificate: PublicKey): Signer {
  if (certificate.certificate === undefined) throw mismatch(signer, `is no certificate but a ${certificate.type} key`)
  if (!isSameKey(certificate, signer.publicKey))
    throw mismatch(signer, `is for the key ${certificate.fingerprint()}, not for ${signer.publicKey.fingerprint()}`)
  return { ...signer, publicKey: certificate, sign: (algorithm, data, signal) => signer.sign(algorithm, data, signal) }
}

function mismatch({ source }: Signer, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_KEY', `the certificate given for ${source} ${problem}`, { phase: 'options' })
}
