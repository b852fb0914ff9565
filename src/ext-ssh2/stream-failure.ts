import type { Readable, Writable } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { ChannelStream } from '../forward/channel-stream.js'

/** Whether all was read that will ever come. */
export function hasEnded(stream: Readable): boolean {
  return stream.readableEnded || stream.destroyed
}

/** Why nothing more can be written to a stream. */
export function writeFailure(stream: Writable): HoldfastError | undefined {
  const error = stream.errored ?? (stream instanceof ChannelStream ? stream.refusal : undefined)
  return error ? asFailure(error) : undefined
}

/**
 * A write that comes too late ends a stream of Node's, with what is still to be read from it.
 * @throws HoldfastError ERR_SSH_CHANNEL_CLOSED
 */
export function checkTakesMore(stream: Writable): void {
  if (stream.destroyed) throw tooLate('the stream was closed before this was written', 'write before fclose()')
  if (!stream.writableEnded) return
  const hint =
    'write before ssh2_send_eof(), and while the command or the far side runs; what it gives can still be read'
  throw tooLate('the stream takes no more: the input of what it leads to has ended', hint)
}

/** What a stream failed by is told as all else; only a mistake of the program's is thrown. */
export function asFailure(error: Error): HoldfastError {
  if (error instanceof HoldfastError) return error
  const hint = 'the stream ended before this was done: the text says how, and `cause` is the error itself'
  return new HoldfastError('ERR_SSH_CHANNEL_CLOSED', error.message, { cause: error, hint })
}

function tooLate(problem: string, hint: string): HoldfastError {
  return new HoldfastError('ERR_SSH_CHANNEL_CLOSED', problem, { phase: 'command', hint })
}
