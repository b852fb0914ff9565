import { Frames } from '../wire/frames.js'
import { printable } from '../wire/printable.js'
import type { PacketMemory } from './packet-memory.js'
import { sftpProtocolError } from './sftp-error.js'

/** A reply is at most what we asked for and a little more; OpenSSH allows 256 KiB in either direction. */
const maxPacket = 1024 * 1024

/** Cuts what comes from a server into packets. What it gives does not share memory with what came. */
export class Packets {
  readonly #frames: Frames
  #isFirst = true

  /** @param memory for the packets; whoever is done with a large one may give it back */
  constructor(memory: PacketMemory) {
    this.#frames = new Frames({
      maxLength: maxPacket,
      wrongLength: (length, begin) => this.#lengthError(length, begin),
      allocate: (length) => memory.take(length),
    })
  }

  /** @param packetCame gets each packet without its length. @throws HoldfastError ERR_SSH_SFTP_PROTOCOL */
  push(bytes: Buffer, packetCame: (packet: Buffer) => void): void {
    for (const packet of this.#frames.push(bytes)) {
      this.#isFirst = false
      packetCame(packet)
    }
  }

  /** A login script that prints is the one cause of this that people meet. */
  #lengthError(length: number, begin: Buffer): Error {
    const problem = `a packet claims ${length} bytes, where 1 to ${maxPacket} are allowed`
    if (!this.#isFirst) return sftpProtocolError(problem)
    const text = printable(begin.toString('utf8'), 60)
    return sftpProtocolError(`${problem}; what the server sent first reads '${text}'`, {
      hint: 'if that is text, a login script of the account prints it: have it print nothing to what is no terminal',
    })
  }
}
