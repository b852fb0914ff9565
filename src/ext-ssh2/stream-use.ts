import process from 'node:process'
import { Duplex, type Readable } from 'node:stream'
import type { Peer } from './peer.js'

/** After which somebody may have begun to use a stream, or not use it any more. */
const events = ['newListener', 'removeListener', 'resume', 'pause', 'end', 'drain', 'pipe', 'unpipe', 'finish', 'close']

/**
 * Keeps the process running while somebody reads a stream or waits for what is written to it, by our functions or by Node's.
 * One that is only open keeps it not, as a script of PHP's ends whatever it has left open.
 */
export function holdWhileUsed(stream: Readable, peer: Peer): void {
  const sources = new Set<Readable>()
  let leave: (() => void) | undefined
  let isLooking = false
  const look = () => {
    isLooking = false
    if (isRead(stream) || isWritten(stream, sources)) leave ??= peer.use()
    else {
      leave?.()
      leave = undefined
    }
  }
  // Later: listeners are told of before they are there, and of many at once.
  const changed = () => {
    if (isLooking) return
    isLooking = true
    process.nextTick(look)
  }
  stream.on('pipe', (source: Readable) => {
    sources.add(source)
    source.once('close', changed)
  })
  stream.on('unpipe', (source: Readable) => sources.delete(source))
  for (const event of events) stream.on(event, changed)
}

function isRead(stream: Readable): boolean {
  if (stream.destroyed || stream.readableEnded) return false
  return stream.readableFlowing === true || stream.listenerCount('data') > 0 || stream.listenerCount('readable') > 0
}

/** Told by who listens for it, but for the one listener of ours each. */
function isWritten(stream: Readable, sources: ReadonlySet<Readable>): boolean {
  if (!(stream instanceof Duplex) || stream.destroyed || stream.writableFinished) return false
  return (
    // `fwrite()` or `fclose()` waits.
    stream.listenerCount('refused') > 0 ||
    [...sources].some((source) => !source.destroyed) ||
    (stream.writableNeedDrain && stream.listenerCount('drain') > 1) ||
    (stream.writableEnded && stream.listenerCount('finish') > 1)
  )
}
