/** Diffie-Hellman keys in the only form in which node:crypto takes and gives them: PKCS #3 in ASN.1 DER. */
import type { Group } from '../../wire/kex-method-messages.js'

const sequenceTag = 0x30
const integerTag = 0x02
const bitStringTag = 0x03
const octetStringTag = 0x04

/** dhKeyAgreement, 1.2.840.113549.1.3.1. */
const algorithm = Buffer.from('06092a864886f70d010301', 'hex')
const version0 = integer(Buffer.of(0))
const noUnusedBits = Buffer.of(0)

/** PrivateKeyInfo of RFC 5208. OpenSSL computes the public value from it. */
export function encodeDhPrivateKey(group: Group, exponent: Buffer): Buffer {
  return element(sequenceTag, version0, parameters(group), element(octetStringTag, integer(exponent)))
}

/** SubjectPublicKeyInfo of RFC 5280. */
export function encodeDhPublicKey(group: Group, value: Buffer): Buffer {
  return element(sequenceTag, parameters(group), element(bitStringTag, noUnusedBits, integer(value)))
}

/** The public value, without leading zeros, from a SubjectPublicKeyInfo that OpenSSL wrote. */
export function publicValueOf(spki: Buffer): Buffer {
  const info = firstElement(spki).contents
  const bitString = firstElement(firstElement(info).rest).contents
  const value = firstElement(bitString.subarray(noUnusedBits.length)).contents
  return value[0] === 0 ? value.subarray(1) : value
}

function parameters({ prime, generator }: Group): Buffer {
  return element(sequenceTag, algorithm, element(sequenceTag, integer(prime), integer(generator)))
}

/** @param magnitude with leading zeros or without */
function integer(magnitude: Buffer): Buffer {
  const digits = magnitude.subarray(magnitude.findIndex((byte) => byte !== 0))
  const sign = (digits[0] ?? 0) & 0x80 ? Buffer.of(0) : Buffer.alloc(0)
  return element(integerTag, sign, digits)
}

function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(tag), lengthOf(body), body])
}

function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.of(length)
  if (length < 0x100) return Buffer.of(0x81, length)
  return Buffer.of(0x82, length >> 8, length & 0xff)
}

function firstElement(bytes: Buffer): { readonly contents: Buffer; readonly rest: Buffer } {
  const first = bytes.readUInt8(1)
  const sizeOfLength = first < 0x80 ? 0 : first & 0x7f
  const length = sizeOfLength === 0 ? first : bytes.readUIntBE(2, sizeOfLength)
  const start = 2 + sizeOfLength
  return { contents: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) }
}
