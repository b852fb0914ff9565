/**
 * ML-KEM-768 (FIPS 203): on node:crypto where that has it (Node 24.7 with OpenSSL 3.5), which takes a tenth of the time,
 * else on @noble/post-quantum. Only noble takes the randomness of an encapsulation from outside, and only servers
 * encapsulate, so that is always noble's.
 */
import nodeCrypto, { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { ml_kem768 as noble } from '@noble/post-quantum/ml-kem.js'

export const seedBytes = 64
export const publicKeyBytes = 1184
export const ciphertextBytes = 1088
/** The message m of an encapsulation. */
export const messageBytes = 32

export interface MlKemPair {
  readonly publicKey: Buffer
  /** @param ciphertext of `ciphertextBytes`; whatever it holds, a secret comes out (implicit rejection) */
  decapsulate(ciphertext: Buffer): Buffer
}

/** @param seed d and z of FIPS 203 section 7.1 */
export function makeMlKemPair(seed: Buffer): MlKemPair {
  return makeOpensslPair(seed) ?? makeNoblePair(seed)
}

export function makeNoblePair(seed: Buffer): MlKemPair {
  const { publicKey, secretKey } = noble.keygen(seed)
  return {
    publicKey: Buffer.from(publicKey),
    decapsulate: (ciphertext) => Buffer.from(noble.decapsulate(ciphertext, secretKey)),
  }
}

/** PrivateKeyInfo that holds a seed, up to the seed; SubjectPublicKeyInfo up to the key (RFC 9935). */
const pkcs8Prefix = Buffer.from('3054020100300b060960864801650304040204428040', 'hex')
const spkiPrefix = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex')

type Decapsulate = (key: KeyObject, ciphertext: Buffer) => Buffer
/** Looked up by name, because the types of the oldest Node supported do not know it. */
const decapsulate: unknown = Reflect.get(nodeCrypto, 'decapsulate')
const isDecapsulate = (value: unknown): value is Decapsulate => typeof value === 'function'

/** `undefined` where node:crypto, or the OpenSSL it was built with, has no ML-KEM. */
export function makeOpensslPair(seed: Buffer): MlKemPair | undefined {
  if (!isDecapsulate(decapsulate)) return undefined
  try {
    const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
    return {
      publicKey: spki.subarray(spkiPrefix.length),
      decapsulate: (ciphertext) => decapsulate(key, ciphertext),
    }
  } catch {
    return undefined
  }
}

/** @throws RangeError or Error when the public key is not one (FIPS 203 section 7.2) */
export function encapsulate(
  publicKey: Buffer,
  message: Buffer,
): { readonly ciphertext: Buffer; readonly secret: Buffer } {
  const { cipherText, sharedSecret } = noble.encapsulate(publicKey, message)
  return { ciphertext: Buffer.from(cipherText), secret: Buffer.from(sharedSecret) }
}
