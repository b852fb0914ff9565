import { type JsonWebKey, type KeyObject, sign, verify } from 'node:crypto'
import type { Reader } from '../../wire/reader.js'
import { Writer } from '../../wire/writer.js'
import { base64url, exactly, fromBase64url, privateKeyObject, publicKeyObject } from './jwk.js'
import type { KeyType } from './key-type.js'

const keyBytes = 32
const signatureBytes = 64

/** RFC 8709. */
export const ed25519: KeyType = {
  name: 'ssh-ed25519',
  signatureAlgorithms: ['ssh-ed25519'],
  readPublic(reader) {
    const { point, key } = readEd25519(reader)
    return {
      bits: 256,
      fields: encodePoint(point),
      verify(_algorithm, data, signature) {
        const bytes = exactly(signature, signatureBytes, 'signature')
        signature.end()
        return verify(null, data, key, bytes)
      },
    }
  },
  privateForm: { readPrivate, publicFields, sign: signEd25519 },
}

export function readEd25519(reader: Reader): { readonly point: Buffer; readonly key: KeyObject } {
  const point = exactly(reader, keyBytes, 'public key')
  return { point, key: publicKeyObject({ kty: 'OKP', crv: 'Ed25519', x: base64url(point) }, reader) }
}

/** The second string is the seed followed by the public key once more. */
function readPrivate(reader: Reader): KeyObject {
  const point = exactly(reader, keyBytes, 'public key')
  const seedAndPoint = exactly(reader, 2 * keyBytes, 'private key')
  const seed = seedAndPoint.subarray(0, keyBytes)
  if (!seedAndPoint.subarray(keyBytes).equals(point)) {
    throw reader.error('private key', 'holds another public key than the one before it')
  }
  return privateKeyObject({ kty: 'OKP', crv: 'Ed25519', x: base64url(point), d: base64url(seed) }, reader)
}

function publicFields({ crv, x }: JsonWebKey): Buffer | undefined {
  return crv === 'Ed25519' ? encodePoint(fromBase64url(x)) : undefined
}

function encodePoint(point: Buffer): Buffer {
  return new Writer(4 + keyBytes).string(point).finish()
}

function signEd25519(_algorithm: string, data: Buffer, key: KeyObject): Buffer {
  return new Writer(4 + signatureBytes).string(sign(null, data, key)).finish()
}
