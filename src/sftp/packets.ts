import { printable } from '../wire/printable.js'
import { sftpProtocolError } from './sftp-error.js'

/** A reply is at most what we asked for and a little more; OpenSSH allows 256 KiB in either direction. */
const maxPacket = 1024 * 1024

/** Cuts what comes from a server into packets. What it gives does not share memory with what came. */
export class Packets {
  readonly #head = Buffer.alloc(4)
  #headLength = 0
  #packet: Buffer | undefined
  #filled = 0
  #isFirst = true

  /** @param packetCame gets each packet without its length. @throws HoldfastError ERR_SSH_SFTP_PROTOCOL */
  push(bytes: Buffer, packetCame: (packet: Buffer) => void): void {
    let offset = 0
    while (offset < bytes.length) {
      offset += this.#take(bytes, offset)
      const packet = this.#packet
      if (packet === undefined || this.#filled < packet.length) continue
      this.#packet = undefined
      this.#headLength = 0
      this.#isFirst = false
      packetCame(packet)
    }
  }

  #take(bytes: Buffer, offset: number): number {
    if (this.#packet === undefined) return this.#takeHead(bytes, offset)
    const taken = bytes.copy(this.#packet, this.#filled, offset)
    this.#filled += taken
    return taken
  }

  #takeHead(bytes: Buffer, offset: number): number {
    const taken = bytes.copy(this.#head, this.#headLength, offset)
    this.#headLength += taken
    if (this.#headLength < 4) return taken
    const length = this.#head.readUInt32BE(0)
    if (length === 0 || length > maxPacket) throw this.#lengthError(length, bytes.subarray(offset + taken))
    this.#packet = Buffer.allocUnsafe(length)
    this.#filled = 0
    return taken
  }

  /** A login script that prints is the one cause of this that people meet. */
  #lengthError(length: number, rest: Buffer): Error {
    const problem = `a packet claims ${length} bytes, where 1 to ${maxPacket} are allowed`
    if (!this.#isFirst) return sftpProtocolError(problem)
    const text = printable(Buffer.concat([this.#head, rest]).toString('utf8'), 60)
    return sftpProtocolError(`${problem}; what the server sent first reads '${text}'`, {
      hint: 'if that is text, a login script of the account prints it: have it print nothing to what is no terminal',
    })
  }
}
