import { Frames } from '../wire/frames.js'
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
  const frames = agentFrames(sender)
  for await (const piece of stream) yield* frames.push(piece)
}

/**
 * Puts messages together from the pieces in which they arrive.
 * @param sender as for `agentMessages`, whose errors it throws
 */
export function agentFrames(sender: string): Frames {
  return new Frames({
    maxLength: maxMessageBytes,
    wrongLength: (length) =>
      agentError(sender, `sent a message of ${length} bytes, where 1 to ${maxMessageBytes} are allowed`),
  })
}
