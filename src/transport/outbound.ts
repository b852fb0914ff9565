import { authMethodNumber } from '../wire/auth-messages.js'
import { messageNumber } from '../wire/numbers.js'
import { putUint32 } from '../wire/uint32.js'
import type { Sealer } from './cipher.js'
import { oversizeError } from './packet-size.js'
import { plainSealer } from './plain.js'

const lengthBytes = 4
const minPadding = 4
/** Where packets are framed before they are sealed, one at a time: shared by all connections. */
let frame = new Uint8Array()
/** Authentication is padded to this, as OpenSSH does, so that the size of a packet does not tell that of a password. */
const authenticationBlock = 64

export interface RandomSource {
  randomBytes(size: number): Uint8Array
}

export interface OutboundOwner {
  /** There is something to take, where there was nothing: once, until it is taken. */
  writable(): void
  /** Called once, with what sealing threw: nothing can be sent any more. */
  unsealable(error: unknown): void
}

/**
 * The sending direction: payloads in, bytes out. It owns the sealer and the sequence number, and collects the packets
 * of one turn of the event loop, so that they leave in one write.
 */
export class Outbound {
  readonly #random: RandomSource
  readonly #owner: OutboundOwner
  #isBroken = false
  #sealer: Sealer = plainSealer
  #sequence = 0
  #pieces: Uint8Array[] = []
  /** Bytes handed out in all: a position in the stream, with which "the kernel has taken it" is told. */
  position = 0
  bytesUnderKeys = 0
  packetsUnderKeys = 0

  /** @param owner who hears of a packet that could not be sealed. @default it is thrown */
  constructor(random: RandomSource, owner: OutboundOwner = { writable: () => {}, unsealable: rethrow }) {
    this.#random = random
    this.#owner = owner
  }

  get sequence(): number {
    return this.#sequence
  }

  /** Our identification (RFC 4253 section 4.2), which goes before every packet. */
  identify(line: string): void {
    const bytes = Buffer.from(`${line}\r\n`, 'latin1')
    this.#pieces.push(bytes)
    this.position += bytes.length
    this.#owner.writable()
  }

  /** Everything from the next packet on is under the new keys. */
  switchKeys(sealer: Sealer, options: { readonly resetSequence: boolean }): void {
    this.#sealer = sealer
    this.bytesUnderKeys = 0
    this.packetsUnderKeys = 0
    if (options.resetSequence) this.#sequence = 0
  }

  /**
   * Seals one packet, all of it here, as V8 compiles a function once more into each that calls it. The payload may be given in
   * two parts, so that data need not be copied to be framed.
   * @returns whether it was; not after a packet that could not be, since its number is missing
   * @throws HoldfastError ERR_SSH_OPTION for what no packet can take; nothing was sent then
   */
  send(payload: Buffer, data?: Buffer): boolean {
    const payloadLength = payload.length + (data?.length ?? 0)
    const problem = oversizeError(payload, payloadLength)
    if (problem !== undefined) throw problem
    if (this.#isBroken) return false
    const pieces = this.#pieces
    const isFirst = pieces.length === 0
    try {
      const sealer = this.#sealer
      const number = payload[0]
      const isAuthentication = number === messageNumber.USERAUTH_REQUEST || number === authMethodNumber.INFO_RESPONSE
      const block = isAuthentication ? authenticationBlock : sealer.blockSize
      const unpadded = (sealer.lengthInPadding ? lengthBytes : 0) + 1 + payloadLength
      const least = block - (unpadded % block)
      const padding = least < minPadding ? least + block : least
      const length = 1 + payloadLength + padding
      if (frame.length < lengthBytes + length) frame = new Uint8Array(lengthBytes + length)
      putUint32(frame, 0, length)
      frame[lengthBytes] = padding
      frame.set(payload, lengthBytes + 1)
      if (data !== undefined) frame.set(data, lengthBytes + 1 + payload.length)
      frame.set(this.#random.randomBytes(padding), lengthBytes + 1 + payloadLength)
      let index = pieces.length
      sealer.seal(this.#sequence, new Uint8Array(frame.buffer, 0, lengthBytes + length), pieces)
      let size = 0
      for (; index < pieces.length; index++) size += pieces[index]?.length ?? 0
      this.position += size
      this.bytesUnderKeys += size
      this.packetsUnderKeys++
      this.#sequence = (this.#sequence + 1) >>> 0
    } catch (error) {
      this.#isBroken = true
      // Nor may what waits go out: whoever sent it is told that it did not.
      this.#pieces.length = 0
      this.#owner.unsealable(error)
      return false
    }
    if (isFirst) this.#owner.writable()
    return true
  }

  /** The bytes to be written now, in order; afterwards there are none. */
  take(): Uint8Array[] {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }
}

function rethrow(error: unknown): never {
  throw error
}
