import { ecdsaTypes } from './ecdsa.js'
import { ed25519 } from './ed25519.js'
import type { KeyType } from './key-type.js'
import { rsa } from './rsa.js'
import { skEcdsa, skEd25519 } from './security-key.js'

/** A type that is not in here does not exist for us. DSA is left out: OpenSSH 10 has removed it. */
export const keyTypes: ReadonlyMap<string, KeyType> = new Map(
  [ed25519, ...ecdsaTypes, skEd25519, skEcdsa, rsa].map((type) => [type.name, type]),
)

const suffix = '-cert-v01@openssh.com'

export function isCertificateName(name: string): boolean {
  return name.endsWith(suffix)
}

/** The type or algorithm without the suffix of certificates: `rsa-sha2-512-cert-v01@openssh.com` is `rsa-sha2-512`. */
export function plainName(name: string): string {
  if (!isCertificateName(name)) return name
  const stem = name.slice(0, -suffix.length)
  return keyTypes.has(`${stem}@openssh.com`) ? `${stem}@openssh.com` : stem
}

/** The type or algorithm of a certificate: `sk-ssh-ed25519@openssh.com` is `sk-ssh-ed25519-cert-v01@openssh.com`. */
export function certificateName(name: string): string {
  return name.replace(/@openssh\.com$/, '') + suffix
}

/** Every algorithm by which a key of ours or a peer's can sign, with and without certificate. */
export const keyAlgorithms: readonly string[] = [...keyTypes.values()]
  .flatMap(({ signatureAlgorithms }) => signatureAlgorithms)
  .flatMap((name) => [certificateName(name), name])
