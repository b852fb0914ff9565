/** AES in Galois/Counter Mode as OpenSSH uses it: RFC 5647, with the names of OpenSSH PROTOCOL 1.6. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { putUint32, uint32At } from '../wire/uint32.js'
import { type CipherSpec, type DirectionKeys, type Opener, rekeyBytesOf, type Sealer } from './cipher.js'
import { wrongMac } from './mac.js'

type Algorithm = 'aes-128-gcm' | 'aes-256-gcm'

const blockSize = 16
const tagBytes = 16
const lengthBytes = 4

/** Of whichever connection has a packet: OpenSSL takes them at once, and an idle connection is to keep no buffers. */
const nonceBytes = Buffer.alloc(12)
const associated = Buffer.alloc(lengthBytes)

/** RFC 5647 section 7.1: a nonce of 4 fixed bytes and an invocation counter of 64 bits, which is never used twice. */
class Nonce {
  readonly #fixed: number
  /** Two words, because a BigInt would be allocated for every packet. */
  #high: number
  #low: number

  constructor(iv: Buffer) {
    this.#fixed = iv.readUInt32BE(0)
    this.#high = iv.readUInt32BE(4)
    this.#low = iv.readUInt32BE(8)
  }

  /** The next one, to be used before anybody asks again. */
  next(): Buffer {
    putUint32(nonceBytes, 0, this.#fixed)
    putUint32(nonceBytes, 4, this.#high)
    putUint32(nonceBytes, 8, this.#low)
    this.#low = (this.#low + 1) >>> 0
    if (this.#low === 0) this.#high = (this.#high + 1) >>> 0
    return nonceBytes
  }
}

class AesGcmSealer implements Sealer {
  readonly blockSize = blockSize
  readonly lengthInPadding = false
  readonly tagBytes = tagBytes
  readonly #algorithm: Algorithm
  readonly #key: KeyObject
  readonly #nonce: Nonce

  constructor(algorithm: Algorithm, { key, iv }: DirectionKeys) {
    this.#algorithm = algorithm
    this.#key = createSecretKey(key)
    this.#nonce = new Nonce(iv)
  }

  seal(_sequence: number, packet: Buffer, out: Buffer[]): void {
    const length = Buffer.allocUnsafe(lengthBytes)
    putUint32(length, 0, uint32At(packet, 0))
    // One object a packet: node:crypto cannot give a used one a new nonce.
    const cipher = createCipheriv(this.#algorithm, this.#key, this.#nonce.next())
    cipher.setAAD(length)
    const body = cipher.update(packet.subarray(lengthBytes))
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
  readonly #algorithm: Algorithm
  readonly #key: KeyObject
  readonly #nonce: Nonce

  constructor(algorithm: Algorithm, { key, iv }: DirectionKeys) {
    this.#algorithm = algorithm
    this.#key = createSecretKey(key)
    this.#nonce = new Nonce(iv)
  }

  length(_sequence: number, head: Buffer): number {
    return uint32At(head, 0)
  }

  open(sequence: number, packet: Buffer): Buffer {
    const tagAt = packet.length - tagBytes
    putUint32(associated, 0, uint32At(packet, 0))
    const decipher = createDecipheriv(this.#algorithm, this.#key, this.#nonce.next())
    decipher.setAAD(associated)
    decipher.setAuthTag(packet.subarray(tagAt))
    const body = decipher.update(packet.subarray(lengthBytes, tagAt))
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
    sealer: (keys) => new AesGcmSealer(algorithm, keys),
    opener: (keys) => new AesGcmOpener(algorithm, keys),
  }
}

export const aes128Gcm = aesGcm('aes128-gcm@openssh.com', 'aes-128-gcm', 16)
export const aes256Gcm = aesGcm('aes256-gcm@openssh.com', 'aes-256-gcm', 32)
