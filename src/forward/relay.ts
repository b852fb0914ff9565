import type { Socket } from 'node:net'
import { discard } from '../socket/stream.js'
import type { ChannelStream } from './channel-stream.js'
import { endSoon, type LingerClock } from './linger.js'

/** One side of a connection that is passed on. */
export type Carrier = Socket | ChannelStream

/**
 * Joins two connections until both are over, as fast as each side reads. The end of one direction is the end of that
 * direction alone, and what breaks one side off breaks off the other: a stream that was cut short must not look whole.
 */
export function relay(near: Carrier, far: Carrier, clock: LingerClock): void {
  near.pipe(far)
  far.pipe(near)
  near.once('close', () => follow(near, far, clock))
  far.once('close', () => follow(far, near, clock))
}

function follow(gone: Carrier, other: Carrier, clock: LingerClock): void {
  if (other.destroyed) return
  // All that it had to say was handed over, and goes out; nobody would read an answer any more.
  if (gone.readableEnded) endSoon(other, clock)
  else discard(other)
}
