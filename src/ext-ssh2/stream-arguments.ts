import type { Readable, Writable } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { ChannelStream } from '../forward/channel-stream.js'
import type { Call } from './answer.js'
import { intArgument, type Place, wrongType } from './arguments.js'
import { stateOf } from './stream-state.js'

/** @throws TypeError as PHP 8 */
export function readableArgument(place: Place, value: unknown): Readable {
  if (isReadable(value)) return value
  throw wrongType(place, 'resource', value)
}

/** @throws TypeError as PHP 8 */
export function writableArgument(place: Place, value: unknown): Writable {
  if (isWritable(value)) return value
  throw wrongType(place, 'resource', value)
}

function isReadable(value: unknown): value is Readable {
  return typeof value === 'object' && value !== null && 'readableFlowing' in value
}

export function isWritable(value: unknown): value is Writable {
  return typeof value === 'object' && value !== null && 'writableLength' in value
}

/** Seconds and microseconds, rounded up to the next millisecond as PHP does. @throws TypeError */
export function milliseconds([name, position, parameter]: Place, seconds: unknown, microseconds: unknown): number {
  const whole = intArgument([name, position, parameter], seconds) * 1000
  return Math.max(0, whole + Math.ceil(intArgument([name, position + 1, 'microseconds'], microseconds) / 1000))
}

/** A call that works on a stream: what fails is told by its session too. */
export function callOf(name: string, stream: Readable | Writable): Call {
  const state = isReadable(stream) ? stateOf(stream) : undefined
  return { name, of: state === undefined ? [stream] : [stream, state.session] }
}

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
