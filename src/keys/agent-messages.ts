import { Writer } from '../wire/writer.js'
import { agentError, maxMessageBytes } from './agent.js'

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
  let pieces: Buffer[] = []
  let received = 0
  let length: number | undefined
  for await (const piece of stream) {
    pieces.push(piece)
    received += piece.length
    while (received >= (length === undefined ? 4 : 4 + length)) {
      const bytes = Buffer.concat(pieces)
      pieces = [bytes]
      if (length === undefined) {
        length = checkedLength(bytes.readUInt32BE(0), sender)
        continue
      }
      pieces = [bytes.subarray(4 + length)]
      received -= 4 + length
      yield bytes.subarray(4, 4 + length)
      length = undefined
    }
  }
}

function checkedLength(length: number, sender: string): number {
  if (length > 0 && length <= maxMessageBytes) return length
  throw agentError(sender, `sent a message of ${length} bytes, where 1 to ${maxMessageBytes} are allowed`)
}
