/** chacha20-poly1305@openssh.com: OpenSSH PROTOCOL.chacha20poly1305. Two keys: one for lengths, one for everything else. */
import { type Cipher, createCipheriv, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { Poly1305 } from '@noble/ciphers/_poly1305.js'
import type { CipherSpec, DirectionKeys, Opener, Sealer } from './cipher.js'
import { wrongMac } from './mac.js'

const blockSize = 8
const tagBytes = 16
const lengthBytes = 4
const keyBytes = 32
/** Encrypted, it is the keystream of block 0: 32 bytes of it are the packet's Poly1305 key, the others go unused. */
const block0 = Buffer.alloc(64)

/** The two ChaCha20 streams of each packet. A stream is symmetric: the same for sealing and opening. */
class Streams {
  readonly #bodyKey: KeyObject
  readonly #lengthKey: KeyObject
  /** As OpenSSL takes it: the block counter of 64 bits, little-endian, then the nonce, our sequence number, big-endian. */
  readonly #iv = Buffer.alloc(16)

  constructor({ key }: DirectionKeys) {
    this.#bodyKey = createSecretKey(key.subarray(0, keyBytes))
    this.#lengthKey = createSecretKey(key.subarray(keyBytes))
  }

  length(sequence: number): Cipher {
    return this.#stream(this.#lengthKey, sequence)
  }

  /** The MAC of this packet and, since block 0 is spent on its key, the stream for the body. */
  body(sequence: number): { readonly mac: Poly1305; readonly stream: Cipher } {
    const stream = this.#stream(this.#bodyKey, sequence)
    return { mac: new Poly1305(stream.update(block0).subarray(0, keyBytes)), stream }
  }

  #stream(key: KeyObject, sequence: number): Cipher {
    this.#iv.writeUInt32BE(sequence, 12)
    return createCipheriv('chacha20', key, this.#iv)
  }
}

class ChaCha20Poly1305Sealer implements Sealer {
  readonly blockSize = blockSize
  readonly lengthInPadding = false
  readonly tagBytes = tagBytes
  readonly #streams: Streams

  constructor(keys: DirectionKeys) {
    this.#streams = new Streams(keys)
  }

  seal(sequence: number, packet: Uint8Array, out: Uint8Array[]): void {
    const length = this.#streams.length(sequence).update(packet.subarray(0, lengthBytes))
    const { mac, stream } = this.#streams.body(sequence)
    const body = stream.update(packet.subarray(lengthBytes))
    out.push(length, body, Buffer.from(mac.update(length).update(body).digest()))
  }
}

class ChaCha20Poly1305Opener implements Opener {
  readonly blockSize = blockSize
  readonly headBytes = lengthBytes
  readonly lengthField = 'encrypted'
  readonly lengthInPadding = false
  readonly tagBytes = tagBytes
  readonly #streams: Streams

  constructor(keys: DirectionKeys) {
    this.#streams = new Streams(keys)
  }

  length(sequence: number, head: Uint8Array): number {
    return this.#streams.length(sequence).update(head.subarray(0, lengthBytes)).readUInt32BE(0)
  }

  open(sequence: number, packet: Uint8Array): Buffer {
    const tagAt = packet.length - tagBytes
    const { mac, stream } = this.#streams.body(sequence)
    const tag = mac.update(packet.subarray(0, tagAt)).digest()
    if (!timingSafeEqual(tag, packet.subarray(tagAt))) throw wrongMac(sequence)
    return stream.update(packet.subarray(lengthBytes, tagAt))
  }
}

export const chaCha20Poly1305: CipherSpec = {
  name: 'chacha20-poly1305@openssh.com',
  keyBytes: 2 * keyBytes,
  // The sequence number is the nonce, and starts where the keys are new.
  ivBytes: 0,
  blockSize,
  aead: true,
  insecure: false,
  // What its specification recommends; the sequence number must not come round under one key.
  rekeyBytes: 2 ** 30,
  sealer: (keys) => new ChaCha20Poly1305Sealer(keys),
  opener: (keys) => new ChaCha20Poly1305Opener(keys),
}
