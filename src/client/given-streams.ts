import type { Duplex } from 'node:stream'
import { discardUnheard, isDuplex } from '../socket/stream.js'

/** Which a connection has made its own: it ends them itself, and may be saying goodbye on them for a while. */
const taken = new WeakSet<Duplex>()

export function noteTaken(stream: Duplex): void {
  taken.add(stream)
}

/**
 * Streams that the program gave, for the connection and for its hops, are ours from the call on: also where an option was
 * wrong, and no connection took them over.
 */
export function letGoOfUntaken(options: unknown): void {
  for (const stream of streamsIn(options, new Set())) if (!taken.has(stream)) discardUnheard(stream)
}

/** @param seen what was looked at: hops can name each other in a circle, which is an error of its own */
function streamsIn(options: unknown, seen: Set<unknown>): readonly Duplex[] {
  if (!(options instanceof Object) || seen.has(options)) return []
  seen.add(options)
  const stream: unknown = Reflect.get(options, 'stream')
  const hops = [Reflect.get(options, 'proxyJump')].flat()
  return [...(isDuplex(stream) ? [stream] : []), ...hops.flatMap((hop) => streamsIn(hop, seen))]
}
