import { HoldfastError } from '../errors.js'
import type { Agent } from '../keys/agent.js'
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

/**
 * The keys of an agent, in its own order.
 * @param only when given, the keys that may be used (IdentitiesOnly of ssh_config); a certificate stands for its key
 */
export function agentSigners(agent: Agent, only?: readonly PublicKey[]): SignerSource {
  const mayUse = ({ plainBlob }: PublicKey) => only?.some((key) => key.plainBlob.equals(plainBlob)) ?? true
  return {
    name: agent.name,
    async signers(signal) {
      const identities = await agent.identities(signal)
      return identities
        .filter(({ publicKey }) => mayUse(publicKey))
        .map(({ publicKey }) => agentSigner(agent, publicKey))
    },
  }
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
  if (!certificate.plainBlob.equals(signer.publicKey.plainBlob))
    throw mismatch(signer, `is for the key ${certificate.fingerprint()}, not for ${signer.publicKey.fingerprint()}`)
  return { ...signer, publicKey: certificate, sign: (algorithm, data, signal) => signer.sign(algorithm, data, signal) }
}

function mismatch({ source }: Signer, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_KEY', `the certificate given for ${source} ${problem}`, { phase: 'options' })
}
