import { authMethodNumber } from '../wire/auth-messages.js'
import { messageNumber } from '../wire/numbers.js'
import type { Sealer } from './cipher.js'
import { oversizeError } from './packet-size.js'
import { plainSealer } from './plain.js'

const lengthBytes = 4
const minPadding = 4
/** Where packets are framed before they are sealed, one at a time: shared by all connections. */
let frame = Buffer.alloc(0)
/** Authentication is padded to this, as OpenSSH does, so that the size of a packet does not tell that of a password. */
const authenticationBlock = 64

/**
 * The sending direction: payloads in, bytes out. It owns the sealer and the sequence number, and collects the packets
 * of one turn of the event loop, so that they leave in one write.
 */
export class Outbound {
  readonly #randomBytes: (size: number) => Buffer
  readonly #failed: (error: unknown) => void
  #isBroken = false
  #sealer: Sealer = plainSealer
  #sequence = 0
  #pieces: Buffer[] = []
  /** Bytes handed out in all: a position in the stream, with which "the kernel has taken it" is told. */
  position = 0
  bytesUnderKeys = 0
  packetsUnderKeys = 0

  /** @param failed called once, with what sealing threw: nothing can be sent any more. @default it is thrown */
  constructor(randomBytes: (size: number) => Buffer, failed: (error: unknown) => void = rethrow) {
    this.#randomBytes = randomBytes
    this.#failed = failed
  }

  get sequence(): number {
    return this.#sequence
  }

  /** Our identification (RFC 4253 section 4.2), which goes before every packet. */
  identify(line: string): void {
    this.#push(Buffer.from(`${line}\r\n`, 'latin1'))
  }

  /** Everything from the next packet on is under the new keys. */
  switchKeys(sealer: Sealer, options: { readonly resetSequence: boolean }): void {
    this.#sealer = sealer
    this.bytesUnderKeys = 0
    this.packetsUnderKeys = 0
    if (options.resetSequence) this.#sequence = 0
  }

  /**
   * Seals one packet. The payload may be given in two parts, so that data need not be copied to be framed.
   * @returns whether it was; not after a packet that could not be, since its number is missing
   * @throws HoldfastError ERR_SSH_OPTION for what no packet can take; nothing was sent then
   */
  send(payload: Buffer, data?: Buffer): boolean {
    const payloadLength = payload.length + (data?.length ?? 0)
    const problem = oversizeError(payload, payloadLength)
    if (problem !== undefined) throw problem
    if (this.#isBroken) return false
    const before = this.#pieces.length
    try {
      this.#seal(this.#frame(payload, data, payloadLength))
      return true
    } catch (error) {
      this.#isBroken = true
      this.#pieces.length = before
      this.#failed(error)
      return false
    }
  }

  /** The bytes to be written now, in order; afterwards there are none. */
  take(): Buffer[] {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  #frame(payload: Buffer, data: Buffer | undefined, payloadLength: number): Buffer {
    const block = isAuthentication(payload) ? authenticationBlock : this.#sealer.blockSize
    const padding = this.#paddingFor(payloadLength, block)
    const length = 1 + payloadLength + padding
    const packet = frameOf(lengthBytes + length)
    packet.writeUInt32BE(length, 0)
    packet.writeUInt8(padding, lengthBytes)
    packet.set(payload, lengthBytes + 1)
    if (data !== undefined) packet.set(data, lengthBytes + 1 + payload.length)
    packet.set(this.#randomBytes(padding), lengthBytes + 1 + payloadLength)
    return packet
  }

  #seal(packet: Buffer): void {
    const sequence = this.#sequence
    const before = this.#pieces.length
    this.#sealer.seal(sequence, packet, this.#pieces)
    let size = 0
    for (let index = before; index < this.#pieces.length; index++) size += this.#pieces[index]?.length ?? 0
    this.position += size
    this.bytesUnderKeys += size
    this.packetsUnderKeys++
    this.#sequence = (sequence + 1) >>> 0
  }

  #push(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.position += bytes.length
  }

  #paddingFor(payloadLength: number, block: number): number {
    const unpadded = (this.#sealer.lengthInPadding ? lengthBytes : 0) + 1 + payloadLength
    const padding = block - (unpadded % block)
    return padding < minPadding ? padding + block : padding
  }
}

function rethrow(error: unknown): never {
  throw error
}

function frameOf(size: number): Buffer {
  if (frame.length < size) frame = Buffer.allocUnsafeSlow(size)
  return frame.subarray(0, size)
}

function isAuthentication(payload: Buffer): boolean {
  const number = payload[0]
  return number === messageNumber.USERAUTH_REQUEST || number === authMethodNumber.INFO_RESPONSE
}
