import { type JsonWebKey, type KeyObject, sign, verify } from 'node:crypto'
import type { Reader } from '../../wire/reader.js'
import { Writer } from '../../wire/writer.js'
import { base64url, fromBase64url, privateKeyObject, publicKeyObject } from './jwk.js'
import type { KeyRules, KeyType } from './key-type.js'

/** OpenSSH's own bound: what is longer takes seconds to check. */
const maxBits = 16384

const hashes = new Map([
  ['rsa-sha2-512', 'sha512'],
  ['rsa-sha2-256', 'sha256'],
  ['ssh-rsa', 'sha1'],
])

/** RFC 4253 section 6.6 and RFC 8332. */
export const rsa: KeyType = {
  name: 'ssh-rsa',
  signatureAlgorithms: [...hashes.keys()],
  readPublic(reader, rules) {
    const exponent = reader.mpint('exponent')
    const modulus = reader.mpint('modulus')
    const bits = checkedBits({ modulus, exponent }, reader, rules)
    const key = publicKeyObject({ kty: 'RSA', n: base64url(modulus), e: base64url(exponent) }, reader)
    return {
      bits,
      fields: encodeFields(exponent, modulus),
      verify(algorithm, data, signature) {
        const bytes = readSignature(signature, modulus.length)
        return verify(hashes.get(algorithm), data, key, bytes)
      },
    }
  },
  privateForm: { readPrivate, publicFields, sign: signRsa },
}

function checkedBits(
  { modulus, exponent }: Readonly<Record<'modulus' | 'exponent', Buffer>>,
  reader: Reader,
  { minRsaBits }: KeyRules,
): number {
  const bits = bitLength(modulus)
  if (bits < minRsaBits)
    throw reader.error('modulus', `has ${bits} bits, where at least ${minRsaBits} are needed to be safe`)
  if (bits > maxBits) throw reader.error('modulus', `has ${bits} bits, where at most ${maxBits} are allowed`)
  if (!isOdd(modulus)) throw reader.error('modulus', 'is even')
  if (!isOdd(exponent) || bitLength(exponent) < 2) throw reader.error('exponent', 'is not an odd number above 1')
  return bits
}

function bitLength(magnitude: Buffer): number {
  const [first] = magnitude
  return first === undefined ? 0 : magnitude.length * 8 - Math.clz32(first) + 24
}

function isOdd(magnitude: Buffer): boolean {
  return ((magnitude.at(-1) ?? 0) & 1) === 1
}

/** RFC 8332 section 3 wants it as long as the modulus; some signers leave leading zeros out, and OpenSSH puts them back. */
function readSignature(signature: Reader, length: number): Buffer {
  const bytes = signature.string('signature', length)
  signature.end()
  return Buffer.concat([Buffer.alloc(length - bytes.length), bytes])
}

function encodeFields(exponent: Buffer, modulus: Buffer): Buffer {
  return new Writer(modulus.length + 32).mpint(exponent).mpint(modulus).finish()
}

function readPrivate(reader: Reader, rules: KeyRules): KeyObject {
  const n = reader.mpint('modulus')
  const e = reader.mpint('exponent')
  checkedBits({ modulus: n, exponent: e }, reader, rules)
  const d = reader.mpint('private exponent')
  const qi = reader.mpint('coefficient')
  const p = reader.mpint('first prime')
  const q = reader.mpint('second prime')
  if (bitLength(p) < 2 || bitLength(q) < 2) throw reader.error('primes', 'are no primes')
  const numbers = { n, e, d, p, q, dp: reducedExponent(d, p), dq: reducedExponent(d, q), qi }
  return privateKeyObject({ kty: 'RSA', ...encodeNumbers(numbers) }, reader)
}

function encodeNumbers(numbers: Readonly<Record<string, Buffer>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, base64url(number)]))
}

/** d mod (prime - 1), which the file leaves out and RFC 8017 section 3.2 asks for. */
function reducedExponent(exponent: Buffer, prime: Buffer): Buffer {
  const reduced = toBigInt(exponent) % (toBigInt(prime) - 1n)
  const digits = reduced.toString(16)
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
}

function toBigInt(magnitude: Buffer): bigint {
  return BigInt(`0x0${magnitude.toString('hex')}`)
}

function publicFields({ kty, e, n }: JsonWebKey): Buffer | undefined {
  return kty === 'RSA' ? encodeFields(fromBase64url(e), fromBase64url(n)) : undefined
}

function signRsa(algorithm: string, data: Buffer, key: KeyObject): Buffer {
  return new Writer(1024).string(sign(hashes.get(algorithm), data, key)).finish()
}
