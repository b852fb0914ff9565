import { Writer } from '../wire/writer.js'
import { agentError } from './agent.js'

/** OpenSSH's AGENT_MAX_LEN. */
const maxMessageBytes = 256 * 1024

/** A message with its length before it. */
export function framed(message: Buffer): Buffer {
  return new Writer(4 + message.length).string(message).finish()
}

/**
 * The messages in a stream, without their lengths, each as soon as it is whole: no more is read than for that. One that is cut
 * off by the end of the stream is dropped.
 * @param sender whose messages they are, as errors are to show it
 * @throws HoldfastError ERR_SSH_AGENT for one that is empty or longer than 256 KiB; what the stream fails with
 */
export async function* agentMessages(stream: AsyncIterable<Buffer>, sender: string): AsyncGenerator<Buffer, void> {
  const pieces = new AgentPieces(sender)
  for await (const piece of stream) yield* pieces.push(piece)
}

/** Puts messages together from the pieces in which they arrive; the sender chooses how small these are. */
export class AgentPieces {
  readonly #sender: string
  readonly #head = Buffer.alloc(4)
  #headLength = 0
  #message: Buffer | undefined
  #filled = 0

  /** @param sender as for `agentMessages` */
  constructor(sender: string) {
    this.#sender = sender
  }

  /**
   * The messages that are whole by this piece, each made when it is asked for: one piece may have very many. To be read to the
   * end before the next is pushed.
   * @throws HoldfastError ERR_SSH_AGENT as `agentMessages`
   */
  *push(piece: Buffer): Generator<Buffer, void> {
    let offset = 0
    while (offset < piece.length) {
      offset += this.#take(piece, offset)
      const message = this.#message
      if (message === undefined || this.#filled < message.length) continue
      this.#message = undefined
      this.#headLength = 0
      yield message
    }
  }

  #take(piece: Buffer, offset: number): number {
    if (this.#message === undefined) return this.#takeHead(piece, offset)
    const taken = piece.copy(this.#message, this.#filled, offset)
    this.#filled += taken
    return taken
  }

  #takeHead(piece: Buffer, offset: number): number {
    const taken = piece.copy(this.#head, this.#headLength, offset)
    this.#headLength += taken
    if (this.#headLength < 4) return taken
    this.#message = Buffer.allocUnsafe(this.#checkedLength())
    this.#filled = 0
    return taken
  }

  #checkedLength(): number {
    const length = this.#head.readUInt32BE(0)
    if (length > 0 && length <= maxMessageBytes) return length
    throw agentError(this.#sender, `sent a message of ${length} bytes, where 1 to ${maxMessageBytes} are allowed`)
  }
}
