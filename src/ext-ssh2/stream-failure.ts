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

/** What a stream failed by is told as all else; only a mistake of the program's is thrown. */
export function asFailure(error: Error): HoldfastError {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('ERR_SSH_CHANNEL_CLOSED', error.message, { cause: error })
}
