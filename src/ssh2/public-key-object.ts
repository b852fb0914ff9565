import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { Reader } from '../wire/reader.js'

const curves: ReadonlyMap<string, string> = new Map([
  ['nistp256', 'P-256'],
  ['nistp384', 'P-384'],
  ['nistp521', 'P-521'],
])

/** The key that a blob holds (RFC 4253 section 6.6), for `node:crypto`. */
export function publicKeyObjectOf(blob: Buffer): KeyObject {
  const reader = new Reader('public key', blob)
  return createPublicKey({ key: jwkOf(reader.name('type'), reader), format: 'jwk' })
}

function jwkOf(type: string, reader: Reader): JsonWebKey {
  if (type === 'ssh-rsa') {
    const [e, n] = [reader.mpint('exponent'), reader.mpint('modulus')]
    return { kty: 'RSA', e: base64(e), n: base64(n) }
  }
  if (type.endsWith('ssh-ed25519') || type === 'sk-ssh-ed25519@openssh.com')
    return { kty: 'OKP', crv: 'Ed25519', x: base64(reader.string('public key')) }
  const crv = curves.get(reader.name('curve'))
  const point = reader.string('public key')
  const half = (point.length - 1) / 2
  const [x, y] = [point.subarray(1, 1 + half), point.subarray(1 + half)]
  return { kty: 'EC', ...(crv === undefined ? {} : { crv }), x: base64(x), y: base64(y) }
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64url')
}
