import type { Readable, Writable } from 'node:stream'
import type { Call } from './answer.js'
import { type Place, wrongType } from './arguments.js'
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

/** A call that works on a stream: what fails is told by its session too. */
export function callOf(name: string, stream: Readable | Writable): Call {
  const state = isReadable(stream) ? stateOf(stream) : undefined
  return { name, of: state === undefined ? [stream] : [stream, state.session] }
}
