/**
 * The X25519 function of RFC 7748 on node:crypto. Public keys go in and out of it in the form of RFC 7517, since OpenSSL 3.0 takes
 * 75 µs to read one in its ASN.1 wrapping; a private key, of which that form would want the public half, by RFC 8410.
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import type { RandomBytes } from '../method.js'
import { refused } from './share-exchange.js'

export const x25519Bytes = 32

const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const jwkType = { kty: 'OKP', crv: 'X25519' }

export interface X25519Pair {
  readonly privateKey: KeyObject
  readonly share: Buffer
}

export function makeX25519Pair(randomBytes: RandomBytes): X25519Pair {
  const key = Buffer.concat([pkcs8Prefix, randomBytes(x25519Bytes)])
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  if (x === undefined) throw new RangeError('the public half of an X25519 key has no x')
  return { privateKey, share: Buffer.from(x, 'base64url') }
}

/**
 * The 32 bytes that both sides share.
 * @throws HoldfastError ERR_SSH_PROTOCOL when the share has another length, or gives the all-zero secret of a point
 *   of small order, which RFC 8731 section 3 demands to refuse
 */
export function agreeX25519(privateKey: KeyObject, share: Buffer, field: string): Buffer {
  if (share.length !== x25519Bytes) throw refused(field, `has ${share.length} bytes, where ${x25519Bytes} are needed`)
  const publicKey = createPublicKey({ key: { ...jwkType, x: share.toString('base64url') }, format: 'jwk' })
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
