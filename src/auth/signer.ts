import type { PublicKey } from '../keys/public-key.js'

/** A key that can sign, wherever its private half is kept. */
export interface Signer {
  readonly publicKey: PublicKey
  /** Where it comes from, for errors: a file's name, an agent's. */
  readonly source: string
  /** On what a signature waits: on nothing outside this process, on an agent, or on a person (touch, passphrase). */
  readonly waitsOn: 'nothing' | 'agent' | 'person'
  /**
   * @param signal aborts when nobody waits for the signature any more
   * @returns a signature blob (RFC 4253 section 6.6)
   */
  sign(algorithm: string, data: Buffer, signal: AbortSignal): Promise<Buffer>
}

/** Where keys come from that must be asked for: an agent. */
export interface SignerSource {
  /** As errors are to name it: `the agent at /run/user/1000/agent`. */
  readonly name: string
  signers(signal: AbortSignal): Promise<readonly Signer[]>
}

const certificateSuffix = '-cert-v01@openssh.com'

export function describeSigner({ publicKey, source }: Signer): string {
  return `publickey ${publicKey.type} ${publicKey.fingerprint()} (${source})`
}

/**
 * The signature algorithm for a key, or undefined when the peer or `allowed` leaves none.
 * @param offered the peer's server-sig-algs, if it sent any
 * @param allowed the caller's own list; without one everything but SHA-1
 */
export function chooseAlgorithm(
  key: PublicKey,
  offered: readonly string[] | undefined,
  allowed: readonly string[] | undefined,
): string | undefined {
  const usable = usableAlgorithms(key, allowed)
  // Old servers list only what is new to RSA keys, so the list decides nothing for the others.
  if (key.plainType !== 'ssh-rsa') return usable[0]
  // Of the two, RFC 8332 section 3 recommends SHA-256 and leaves SHA-512 optional: the safer guess.
  if (offered === undefined) return usable.includes('rsa-sha2-256') ? 'rsa-sha2-256' : usable[0]
  return usable.find((name) => offered.includes(name))
}

/** The signature algorithms of a key, strongest first, as far as the caller allows them; without a list all but SHA-1. */
export function usableAlgorithms(key: PublicKey, allowed: readonly string[] | undefined): readonly string[] {
  return key.signatureAlgorithms.filter((name) => allowed?.includes(name) ?? name !== 'ssh-rsa')
}

/** The name under which a request asks for a signature algorithm: RFC 8332 section 3, and OpenSSH's PROTOCOL.certkeys. */
export function requestAlgorithm(key: PublicKey, algorithm: string): string {
  if (key.plainType !== 'ssh-rsa') return key.type
  return key.certificate === undefined ? algorithm : algorithm + certificateSuffix
}
