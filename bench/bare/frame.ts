/** Packets of RFC 4253 section 6, before and after the keys. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'

/** Where a packet is put together, one at a time for the whole process: length, padding length, payload, padding. */
export const frame = Buffer.allocUnsafeSlow(64 * 1024)
export const payloadAt = 5

const algorithm = 'aes-128-gcm'
const blockBytes = 16
const lengthBytes = 4
export const tagBytes = 16

/** Any bytes will do; made once, since asking for some costs as much as sealing a small packet. */
const padding = randomBytes(2 * blockBytes)

/** @param end of the payload @param counted bytes before it that count as a part of what is padded */
function pad(end: number, block: number, counted: number): number {
  const needed = block - ((end - lengthBytes + counted) % block)
  const size = needed < 4 ? needed + block : needed
  padding.copy(frame, end, 0, size)
  frame.writeUInt32BE(end + size - lengthBytes, 0)
  frame.writeUInt8(size, lengthBytes)
  return end + size
}

/** Before there are keys. */
export function plainPacket(end: number): Buffer {
  return Buffer.from(frame.subarray(0, pad(end, 8, lengthBytes)))
}

/** AES-128-GCM (RFC 5647): a cipher object a packet, since none takes another nonce. */
abstract class Keyed {
  protected readonly key: KeyObject
  protected readonly nonce: Buffer

  constructor(key: Buffer, nonce: Buffer) {
    this.key = createSecretKey(key)
    this.nonce = nonce
  }

  /** OpenSSL has copied it: the counter in its last eight bytes goes on. */
  protected advance(): void {
    for (let at = this.nonce.length - 1; at >= lengthBytes; at--) {
      const next = ((this.nonce[at] ?? 0) + 1) & 0xff
      this.nonce[at] = next
      if (next !== 0) return
    }
  }
}

export class Sealer extends Keyed {
  /** Most packets of a transfer are of one length. */
  #length = Buffer.alloc(lengthBytes)

  /** Seals what stands in the frame. */
  seal(end: number, out: Buffer[]): void {
    const size = pad(end, blockBytes, 0)
    if (this.#length.readUInt32BE(0) !== size - lengthBytes) this.#length = Buffer.from(frame.subarray(0, lengthBytes))
    const cipher = createCipheriv(algorithm, this.key, this.nonce)
    this.advance()
    cipher.setAAD(this.#length)
    const body = cipher.update(frame.subarray(lengthBytes, size))
    cipher.final()
    out.push(this.#length, body, cipher.getAuthTag())
  }
}

export class Opener extends Keyed {
  /** @returns all behind the length, in memory of its own */
  open(bytes: Buffer, at: number, size: number): Buffer {
    const tagAt = at + size - tagBytes
    const decipher = createDecipheriv(algorithm, this.key, this.nonce)
    this.advance()
    decipher.setAAD(bytes.subarray(at, at + lengthBytes))
    decipher.setAuthTag(bytes.subarray(tagAt, tagAt + tagBytes))
    const opened = decipher.update(bytes.subarray(at + lengthBytes, tagAt))
    decipher.final()
    return opened
  }
}
