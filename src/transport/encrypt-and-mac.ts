/**
 * A cipher and a MAC over the plain packet, side by side (RFC 4253 section 6.4). The length field is encrypted, so the
 * first block is decrypted alone, to learn how much belongs to the packet.
 */
import type { Cipher, Decipher } from 'node:crypto'
import type { Opener, Sealer } from './cipher.js'
import type { Mac } from './mac.js'

const lengthBytes = 4

export class EncryptAndMacSealer implements Sealer {
  readonly blockSize: number
  readonly lengthInPadding = true
  readonly tagBytes: number
  readonly #cipher: Cipher
  readonly #mac: Mac

  constructor(blockSize: number, cipher: Cipher, mac: Mac) {
    this.blockSize = blockSize
    this.tagBytes = mac.tagBytes
    this.#cipher = cipher
    this.#mac = mac
  }

  seal(sequence: number, packet: Uint8Array, out: Uint8Array[]): void {
    out.push(this.#cipher.update(packet), this.#mac.of(sequence, packet))
  }
}

export class EncryptAndMacOpener implements Opener {
  readonly blockSize: number
  readonly headBytes: number
  readonly lengthField: 'encrypted' | 'chained'
  readonly lengthInPadding = true
  readonly tagBytes: number
  readonly #decipher: Decipher
  readonly #mac: Mac
  #firstBlock: Buffer = Buffer.alloc(0)

  constructor(blockSize: number, decipher: Decipher, mac: Mac, lengthField: 'encrypted' | 'chained') {
    this.blockSize = blockSize
    this.headBytes = blockSize
    this.lengthField = lengthField
    this.tagBytes = mac.tagBytes
    this.#decipher = decipher
    this.#mac = mac
  }

  length(_sequence: number, head: Uint8Array): number {
    this.#firstBlock = this.#decipher.update(head.subarray(0, this.blockSize))
    return this.#firstBlock.readUInt32BE(0)
  }

  open(sequence: number, packet: Uint8Array): Buffer {
    const tagAt = packet.length - this.tagBytes
    const others = this.#decipher.update(packet.subarray(this.blockSize, tagAt))
    const plain = Buffer.concat([this.#firstBlock, others])
    this.#mac.check(sequence, plain, packet.subarray(tagAt))
    return plain.subarray(lengthBytes)
  }
}
