import { type JsonWebKey, type KeyObject, sign, verify } from 'node:crypto'
import { Reader } from '../../wire/reader.js'
import { Writer } from '../../wire/writer.js'
import { base64url, exactly, fromBase64url, privateKeyObject, publicKeyObject } from './jwk.js'
import type { KeyType, PrivateForm } from './key-type.js'

export interface Curve {
  readonly name: 'nistp256' | 'nistp384' | 'nistp521'
  readonly jwkName: string
  readonly bits: number
  /** Of one coordinate, and of r and s. */
  readonly bytes: number
  /** RFC 5656 section 6.2.1. */
  readonly hash: string
}

export const nistp256: Curve = { name: 'nistp256', jwkName: 'P-256', bits: 256, bytes: 32, hash: 'sha256' }
const nistp384: Curve = { name: 'nistp384', jwkName: 'P-384', bits: 384, bytes: 48, hash: 'sha384' }
const nistp521: Curve = { name: 'nistp521', jwkName: 'P-521', bits: 521, bytes: 66, hash: 'sha512' }

/** RFC 5656. */
export const ecdsaTypes: readonly KeyType[] = [nistp256, nistp384, nistp521].map(ecdsa)

function ecdsa(curve: Curve): KeyType {
  const name = `ecdsa-sha2-${curve.name}`
  return {
    name,
    signatureAlgorithms: [name],
    readPublic(reader) {
      const { point, key } = readPoint(reader, curve)
      return {
        bits: curve.bits,
        fields: encodePoint(point, curve),
        verify(_algorithm, data, signature) {
          const bytes = readSignature(signature, curve)
          signature.end()
          return verify(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, bytes)
        },
      }
    },
    privateForm: privateForm(curve),
  }
}

export function readPoint(reader: Reader, curve: Curve): { readonly point: Buffer; readonly key: KeyObject } {
  const point = readUncheckedPoint(reader, curve)
  return { point, key: publicKeyObject(jwk(point, curve), reader) }
}

/** RFC 5656 section 3.1. Points in compressed form are optional there, and nobody sends them. */
function readUncheckedPoint(reader: Reader, curve: Curve): Buffer {
  const named = reader.name('curve')
  if (named !== curve.name) throw reader.error('curve', `is ${named}, where ${curve.name} is needed`)
  const point = exactly(reader, 1 + 2 * curve.bytes, 'public key')
  if (point[0] !== 4) throw reader.error('public key', 'is not an uncompressed point')
  return point
}

function jwk(point: Buffer, curve: Curve): JsonWebKey {
  const x = point.subarray(1, 1 + curve.bytes)
  const y = point.subarray(1 + curve.bytes)
  return { kty: 'EC', crv: curve.jwkName, x: base64url(x), y: base64url(y) }
}

export function encodePoint(point: Buffer, curve: Curve): Buffer {
  return new Writer().string(curve.name).string(point).finish()
}

/** RFC 5656 section 3.1.2: a string that holds the mpints r and s. Returns them side by side, as IEEE P1363 does. */
export function readSignature(signature: Reader, curve: Curve): Buffer {
  const numbers = new Reader('signature', signature.string('signature', 2 * (5 + curve.bytes)))
  const pair = Buffer.concat([readScalar(numbers, 'r', curve), readScalar(numbers, 's', curve)])
  numbers.end()
  return pair
}

function readScalar(reader: Reader, field: string, curve: Curve): Buffer {
  const magnitude = reader.mpint(field)
  if (magnitude.length > curve.bytes) throw reader.error(field, 'is larger than the order of the curve')
  return Buffer.concat([Buffer.alloc(curve.bytes - magnitude.length), magnitude])
}

/** Some programs write it with leading zeros that RFC 4251 section 5 has no use for, which OpenSSH passes over too. */
function readPrivateScalar(reader: Reader, curve: Curve): Buffer {
  const written = reader.string('private key', 2 * curve.bytes)
  const magnitude = written.subarray(written.findIndex((byte) => byte !== 0))
  if (written.every((byte) => byte === 0) || magnitude.length > curve.bytes)
    throw reader.error('private key', 'is not within the order of the curve')
  return Buffer.concat([Buffer.alloc(curve.bytes - magnitude.length), magnitude])
}

function privateForm(curve: Curve): PrivateForm {
  return {
    readPrivate(reader) {
      const point = readUncheckedPoint(reader, curve)
      const scalar = readPrivateScalar(reader, curve)
      return privateKeyObject({ ...jwk(point, curve), d: base64url(scalar) }, reader)
    },
    publicFields({ crv, x, y }) {
      if (crv !== curve.jwkName) return undefined
      return encodePoint(Buffer.concat([Buffer.of(4), fromBase64url(x), fromBase64url(y)]), curve)
    },
    sign(_algorithm, data, key) {
      const pair = sign(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' })
      const numbers = new Writer().mpint(pair.subarray(0, curve.bytes)).mpint(pair.subarray(curve.bytes)).finish()
      return new Writer().string(numbers).finish()
    },
  }
}
