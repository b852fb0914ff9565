/** The X25519 function of RFC 7748 on node:crypto, which takes and gives keys only in their ASN.1 wrapping (RFC 8410). */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import type { RandomBytes } from '../method.js'
import { refused } from './share-exchange.js'

export const x25519Bytes = 32

const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex')

export interface X25519Pair {
  readonly privateKey: KeyObject
  readonly share: Buffer
}

export function makeX25519Pair(randomBytes: RandomBytes): X25519Pair {
  const key = Buffer.concat([pkcs8Prefix, randomBytes(x25519Bytes)])
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, share: spki.subarray(spkiPrefix.length) }
}

/**
 * The 32 bytes that both sides share.
 * @throws HoldfastError ERR_SSH_PROTOCOL when the share has another length, or gives the all-zero secret of a point
 *   of small order, which RFC 8731 section 3 demands to refuse
 */
export function agreeX25519(privateKey: KeyObject, share: Buffer, field: string): Buffer {
  if (share.length !== x25519Bytes) throw refused(field, `has ${share.length} bytes, where ${x25519Bytes} are needed`)
  const publicKey = createPublicKey({ key: Buffer.concat([spkiPrefix, share]), format: 'der', type: 'spki' })
  const secret = derive(privateKey, publicKey)
  if (secret === undefined || secret.every((byte) => byte === 0)) throw refused(field, 'is a point of small order')
  return secret
}

/** OpenSSL 3 throws where the secret would be all zero. */
function derive(privateKey: KeyObject, publicKey: KeyObject): Buffer | undefined {
  try {
    return diffieHellman({ privateKey, publicKey })
  } catch {
    return undefined
  }
}
