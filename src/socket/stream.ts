import net from 'node:net'
import type { Duplex } from 'node:stream'
import { HoldfastError } from '../errors.js'

/**
 * Checks the option `stream`, which must be open and carry bytes.
 * @throws HoldfastError ERR_SSH_OPTION
 */
export function checkStream(stream: Duplex): Duplex {
  if (stream.destroyed || !stream.readable || !stream.writable) throw wrong('is not open in both directions')
  if (stream.readableObjectMode || stream.writableObjectMode) throw wrong('is in object mode: it must carry bytes')
  if (stream.readableEncoding) throw wrong('has an encoding set: it must give bytes')
  return stream
}

/** Told by what it can do: the package readable-stream has a class of its own. */
export function isDuplex(value: unknown): value is Duplex {
  const object = value instanceof Object ? value : {}
  const methods = ['on', 'write', 'end', 'cork', 'uncork', 'pause', 'resume', 'destroy']
  return methods.every((method) => typeof Reflect.get(object, method) === 'function')
}

function wrong(reason: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `the option stream ${reason}`, { phase: 'options' })
}

/**
 * Ends a stream now, with what it has not sent. A TCP socket is reset: closed in the ordinary way, the kernel would
 * keep its unsent bytes, and with a dead peer for a quarter of an hour.
 */
export function discard(stream: Duplex): void {
  if (stream instanceof net.Socket && resettable(stream)) reset(stream)
  stream.destroy()
}

/** The same for one that nobody has taken over: what it reports of its end would be an error that nobody listens for. */
export function discardUnheard(stream: Duplex): void {
  stream.on('error', () => {})
  discard(stream)
}

/** Milliseconds: so long may a peer take that was told of the end, and that nobody waits for. */
export const partingMs = 2000

/**
 * Lets go of a stream. Where a socket has said that it is over and its peer has not, the kernel delivers that by itself, and
 * nobody waits for it; but of a dead peer nothing is to stay behind, so one that is not gone in time is reset.
 */
export function leave(stream: Duplex): void {
  const isParting = stream instanceof net.Socket && stream.writableEnded && !stream.readableEnded
  if (!isParting || stream.destroyed) {
    stream.destroy()
    return
  }
  stream.unref()
  stream.setTimeout(partingMs, () => discard(stream))
}

/**
 * `resetAndDestroy()` fails while a shutdown is under way, which is between `end()` and `finish` once all is written:
 * then the socket is never closed, and the process spins (Node 20 to 26). One that is connecting it would first connect.
 */
function resettable(socket: net.Socket): boolean {
  const shuttingDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
  return !socket.destroyed && !socket.pending && !shuttingDown
}

function reset(socket: net.Socket): void {
  try {
    socket.resetAndDestroy()
  } catch {
    // A pipe, or TLS: only TCP knows a reset.
  }
}

/** Whether the stream keeps the process running, where it has a say in that. */
export function hold(stream: Duplex, held: boolean): void {
  const method: unknown = Reflect.get(stream, held ? 'ref' : 'unref')
  if (typeof method === 'function') Reflect.apply(method, stream, [])
}
