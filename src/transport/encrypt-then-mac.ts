/** A cipher, and a MAC over what it gave: the length field stays in the clear (OpenSSH PROTOCOL 1.5). */
import type { Cipher, Decipher } from 'node:crypto'
import { uint32At } from '../wire/uint32.js'
import type { Opener, Sealer } from './cipher.js'
import type { Mac } from './mac.js'

const lengthBytes = 4

export class EncryptThenMacSealer implements Sealer {
  readonly blockSize: number
  readonly lengthInPadding = false
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
    const length = Buffer.from(packet.subarray(0, lengthBytes))
    const body = this.#cipher.update(packet.subarray(lengthBytes))
    out.push(length, body, this.#mac.of(sequence, length, body))
  }
}

export class EncryptThenMacOpener implements Opener {
  readonly blockSize: number
  readonly headBytes = lengthBytes
  readonly lengthField = 'clear'
  readonly lengthInPadding = false
  readonly tagBytes: number
  readonly #decipher: Decipher
  readonly #mac: Mac

  constructor(blockSize: number, decipher: Decipher, mac: Mac) {
    this.blockSize = blockSize
    this.tagBytes = mac.tagBytes
    this.#decipher = decipher
    this.#mac = mac
  }

  length(_sequence: number, head: Uint8Array): number {
    return uint32At(head, 0)
  }

  open(sequence: number, packet: Uint8Array): Buffer {
    const tagAt = packet.length - this.tagBytes
    this.#mac.check(sequence, packet.subarray(0, tagAt), packet.subarray(tagAt))
    return this.#decipher.update(packet.subarray(lengthBytes, tagAt))
  }
}
