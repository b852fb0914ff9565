import type { Readable } from 'node:stream'
import { boolArgument, milliseconds } from './arguments.js'
import { stateOf } from './stream-state.js'

/** Reading waits for what comes; with `false` it takes what is there, if anything. @throws TypeError */
export function stream_set_blocking(stream: Readable, enable: boolean): boolean {
  boolArgument(['stream_set_blocking', 2, 'enable'], enable)
  const state = stateOf(stream)
  if (state !== undefined) state.isBlocking = enable
  return state !== undefined
}

/**
 * How long one read or write may wait: then a read gives what has come, a write false, and `timed_out` of the meta data says so.
 * 0: as long as it takes.
 * @throws TypeError
 */
export function stream_set_timeout(stream: Readable, seconds: number, microseconds = 0): boolean {
  const name = 'stream_set_timeout'
  const limitMs = milliseconds([name, 2, 'seconds'], seconds, microseconds)
  const state = stateOf(stream)
  if (state !== undefined) state.timeoutMs = limitMs
  return state !== undefined
}
