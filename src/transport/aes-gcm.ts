/** AES in Galois/Counter Mode as OpenSSH uses it: RFC 5647, with the names of OpenSSH PROTOCOL 1.6. */
import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type DecipherGCM,
  type KeyObject,
} from 'node:crypto'
import { uint32At } from '../wire/uint32.js'
import { type CipherSpec, type DirectionKeys, type Opener, rekeyBytesOf, type Sealer } from './cipher.js'
import { wrongMac } from './mac.js'

type Algorithm = 'aes-128-gcm' | 'aes-256-gcm'

const blockSize = 16
const tagBytes = 16
const lengthBytes = 4

/** Of whichever connection has a packet: OpenSSL takes it at once, and an idle connection is to keep no buffers. */
const nonce = new Uint8Array(12)
const nonceView = new DataView(nonce.buffer)

/** A key, and a nonce of 4 fixed bytes and an invocation counter of 64 bits, which is never used twice (RFC 5647 section 7.1). */
class Direction {
  readonly #algorithm: Algorithm
  readonly #key: KeyObject
  readonly #fixed: number
  /** Two words, because a BigInt would be allocated for every packet. */
  #high: number
  #low: number

  constructor(algorithm: Algorithm, { key, iv }: DirectionKeys) {
    this.#algorithm = algorithm
    this.#key = createSecretKey(key)
    this.#fixed = iv.readUInt32BE(0)
    this.#high = iv.readUInt32BE(4)
    this.#low = iv.readUInt32BE(8)
  }

  /**
   * What seals or opens the next packet. One object a packet: `node:crypto` cannot give a used one a new nonce. Both are made
   * by one call here: of a call with two targets V8 compiles neither into its callers, where each took it milliseconds.
   */
  next<Kind extends CipherGCM | DecipherGCM>(
    create: (algorithm: Algorithm, key: KeyObject, nonce: Uint8Array) => Kind,
    associated: Uint8Array,
  ): Kind {
    nonceView.setUint32(0, this.#fixed)
    nonceView.setUint32(4, this.#high)
    nonceView.setUint32(8, this.#low)
    this.#low = (this.#low + 1) >>> 0
    if (this.#low === 0) this.#high = (this.#high + 1) >>> 0
    const made = create(this.#algorithm, this.#key, nonce)
    made.setAAD(associated)
    return made
  }
}

/** Views are made by V8 itself, and not by `subarray()` of Buffer, which is several functions deep. */
class AesGcmSealer implements Sealer {
  readonly blockSize = blockSize
  readonly lengthInPadding = false
  readonly tagBytes = tagBytes
  readonly #direction: Direction

  constructor(direction: Direction) {
    this.#direction = direction
  }

  seal(_sequence: number, { buffer, byteOffset, length: size }: Uint8Array, out: Uint8Array[]): void {
    const length = new Uint8Array(new Uint8Array(buffer, byteOffset, lengthBytes))
    const cipher = this.#direction.next<CipherGCM>(createCipheriv, length)
    const body = cipher.update(new Uint8Array(buffer, byteOffset + lengthBytes, size - lengthBytes))
    cipher.final()
    out.push(length, body, cipher.getAuthTag())
  }
}

class AesGcmOpener implements Opener {
  readonly blockSize = blockSize
  readonly headBytes = lengthBytes
  readonly lengthField = 'clear'
  readonly lengthInPadding = false
  readonly tagBytes = tagBytes
  readonly #direction: Direction

  constructor(direction: Direction) {
    this.#direction = direction
  }

  length(_sequence: number, head: Uint8Array): number {
    return uint32At(head, 0)
  }

  open(sequence: number, { buffer, byteOffset, length }: Uint8Array): Buffer {
    const bodyAt = byteOffset + lengthBytes
    const tagAt = byteOffset + length - tagBytes
    const associated = new Uint8Array(buffer, byteOffset, lengthBytes)
    const decipher = this.#direction.next<DecipherGCM>(createDecipheriv, associated)
    decipher.setAuthTag(new Uint8Array(buffer, tagAt, tagBytes))
    const body = decipher.update(new Uint8Array(buffer, bodyAt, tagAt - bodyAt))
    try {
      decipher.final()
    } catch {
      throw wrongMac(sequence)
    }
    return body
  }
}

function aesGcm(name: string, algorithm: Algorithm, keyBytes: number): CipherSpec {
  return {
    name,
    keyBytes,
    ivBytes: 12,
    blockSize,
    aead: true,
    insecure: false,
    rekeyBytes: rekeyBytesOf(blockSize),
    sealer: (keys) => new AesGcmSealer(new Direction(algorithm, keys)),
    opener: (keys) => new AesGcmOpener(new Direction(algorithm, keys)),
  }
}

export const aes128Gcm = aesGcm('aes128-gcm@openssh.com', 'aes-128-gcm', 16)
export const aes256Gcm = aesGcm('aes256-gcm@openssh.com', 'aes-256-gcm', 32)
