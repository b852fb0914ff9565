import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { Reader } from '../../wire/reader.js'

/*
 * Keys go in and out of node:crypto in the form of RFC 7517: no DER is built or read here, and OpenSSL checks on the
 * way in that points lie on their curve.
 */

export function publicKeyObject(key: JsonWebKey, reader: Reader): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    throw reader.error('public key', 'is not a valid key of its type')
  }
}

/** The reason that OpenSSL gives is left out: no text of it may ever show a piece of a private key. */
export function privateKeyObject(key: JsonWebKey, reader: Reader): KeyObject {
  try {
    return createPrivateKey({ key, format: 'jwk' })
  } catch {
    throw reader.error('private key', 'is not a valid key of its type')
  }
}

export function base64url(bytes: Buffer): string {
  return bytes.toString('base64url')
}

export function fromBase64url(text: string | undefined): Buffer {
  return Buffer.from(text ?? '', 'base64url')
}

/** A string of exactly so many bytes. */
export function exactly(reader: Reader, length: number, field: string): Buffer {
  const bytes = reader.string(field, length)
  if (bytes.length !== length) throw reader.error(field, `has ${bytes.length} bytes, where ${length} are needed`)
  return bytes
}
