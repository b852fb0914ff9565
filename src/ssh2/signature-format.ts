import { HoldfastError } from '../errors.js'
import { derTag, readDerValues } from '../keys/der.js'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'

/**
 * A signature as it goes over the wire (RFC 4253 section 6.6), of what keys and agents of ssh2 make: the bytes of
 * `node:crypto`, for ECDSA in DER. What is in the form of the wire already stays as it is.
 */
export function signatureBlob(algorithm: string, made: Buffer): Buffer {
  const writer = new Writer().string(algorithm)
  if (!algorithm.startsWith('ecdsa-')) return writer.string(made).finish()
  return writer.string(ecdsaNumbers(made)).finish()
}

/** RFC 5656 section 3.1.2: the mpints r and s. */
function ecdsaNumbers(made: Buffer): Buffer {
  if (made[0] !== derTag.sequence) return made
  const [sequence] = readDerValues(made, 'signature')
  const [r, s] = readDerValues(sequence?.contents ?? Buffer.alloc(0), 'signature')
  if (r?.tag !== derTag.integer || s?.tag !== derTag.integer)
    throw new HoldfastError('ERR_SSH_AGENT', 'the signature holds no two numbers')
  return new Writer().mpint(r.contents).mpint(s.contents).finish()
}

/** What a signature blob holds, as `node:crypto` would have made it. */
export function nodeSignature(blob: Buffer): Buffer {
  const reader = new Reader('signature', blob)
  const algorithm = reader.name('algorithm')
  const made = reader.string('signature')
  if (!algorithm.startsWith('ecdsa-')) return Buffer.from(made)
  const numbers = new Reader('signature', made)
  const contents = Buffer.concat([derInteger(numbers.mpint('r')), derInteger(numbers.mpint('s'))])
  return Buffer.concat([Buffer.from([derTag.sequence, ...derLength(contents.length)]), contents])
}

function derInteger(magnitude: Buffer): Buffer {
  const isHigh = (magnitude[0] ?? 0) >= 0x80 || magnitude.length === 0
  const contents = isHigh ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude
  return Buffer.concat([Buffer.from([derTag.integer, ...derLength(contents.length)]), contents])
}

/** No signature here has 256 bytes of numbers. */
function derLength(length: number): readonly number[] {
  return length < 0x80 ? [length] : [0x81, length]
}
