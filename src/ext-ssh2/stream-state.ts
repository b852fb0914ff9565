import type { Readable } from 'node:stream'
import type { Peer } from './peer.js'
import type { Ssh2Session } from './session.js'
import { holdWhileUsed } from './stream-use.js'

/** What is always so of a stream. */
export interface StreamTraits {
  /** Whether reading names no length, which raises a stream's high water mark to it: it would fetch ahead from then on. */
  readonly isReadWhole: boolean
}

/** What PHP knows of a stream besides its bytes. */
export interface StreamState extends StreamTraits {
  readonly session: Ssh2Session
  readonly peer: Peer
  /** As `stream_set_timeout()` says; 0 for none. */
  timeoutMs: number
  isBlocking: boolean
  hasTimedOut: boolean
}

const states = new WeakMap<Readable, StreamState>()

/** A stream that a function gives out. */
export function register<S extends Readable>(
  stream: S,
  session: Ssh2Session,
  peer: Peer,
  { isReadWhole }: StreamTraits = { isReadWhole: false },
): S {
  // Each call that waits listens for itself, and there may be many.
  stream.setMaxListeners(0)
  states.set(stream, { session, peer, timeoutMs: 0, isBlocking: true, hasTimedOut: false, isReadWhole })
  holdWhileUsed(stream, peer)
  return stream
}

export function stateOf(stream: Readable): StreamState | undefined {
  return states.get(stream)
}
