import { Socket } from 'node:net'
import { discard } from '../socket/stream.js'
import type { ForwardPort } from './port.js'
import type { Carrier } from './relay.js'

/** How long the other end of a socket may go on sending to nobody, once the kernel has all that goes to it. */
const lingerMs = 30_000

export type LingerClock = Pick<ForwardPort, 'deadlines' | 'now'>

/**
 * Ends a side of which nobody wants to hear any more, once all that it was given has gone out. The kernel resets a socket that is
 * closed with bytes unread, and forgets what it has not sent: so what still comes is read, and thrown away.
 */
export function endSoon(carrier: Carrier, clock: LingerClock): void {
  if (carrier instanceof Socket) linger(carrier, clock)
  else carrier.destroySoon()
}

function linger(socket: Socket, clock: LingerClock): void {
  const limit = () => {
    const deadline = clock.deadlines.add(clock.now() + lingerMs, () => discard(socket))
    socket.once('close', () => deadline.cancel())
  }
  if (socket.destroyed) return
  if (socket.writable) socket.end()
  socket.resume()
  // Closes by itself once both directions have ended.
  if (socket.writableFinished) limit()
  else socket.once('finish', limit)
}
