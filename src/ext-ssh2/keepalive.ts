import { HoldfastError } from '../errors.js'
import { orFalse, orFalseNow, warn } from './answer.js'
import { boolArgument, intArgument, milliseconds } from './arguments.js'
import { intervalOf } from './context.js'
import type { Peer } from './peer.js'
import { peerOf, type Ssh2Session } from './session.js'
import { nothingMade } from './work.js'

/** libssh2's own, an unsigned int of C. */
const maxSeconds = 4_294_967_295
/** When `ssh2_keepalive_send()` has sent last, in milliseconds of the connection's clock. */
const sentAt = new WeakMap<Ssh2Session, number>()

/**
 * Sets the keepalive, which runs by itself: a server that is silent for four intervals is dead, and all that waits answers
 * false. Without `want_reply` it only keeps the connection in the memory of firewalls. A policy can make it tighter.
 * @param interval seconds; 0: off, 1 is 2. Until this is called it is 15
 * @throws TypeError
 */
export function ssh2_keepalive_config(session: Ssh2Session, want_reply: boolean, interval: number): void {
  const name = 'ssh2_keepalive_config'
  const wantReply = boolArgument([name, 2, 'want_reply'], want_reply)
  const seconds = intArgument([name, 3, 'interval'], interval)
  const peer = peerOf(name, session)
  if (seconds < 0 || seconds > maxSeconds) {
    warn(name, `Argument #3 ($interval) must be between 0 and ${maxSeconds}`)
    return
  }
  orFalseNow({ name, of: [session] }, () => peer.configureKeepalive({ wantReply, interval: intervalOf(seconds) }))
}

/**
 * Sends a keepalive if one is due: at the first call, and then an interval after the last. With `want_reply` it is answered
 * before this resolves.
 * @returns seconds until the next is due; 0 where the keepalive is off; false where the server does not answer within the
 * limit `reply`, 15 s, or the connection is over
 * @throws TypeError
 */
export async function ssh2_keepalive_send(session: Ssh2Session): Promise<number | false> {
  const name = 'ssh2_keepalive_send'
  const peer = peerOf(name, session)
  return orFalse({ name, says: 'Unable to send keepalive message', of: [session] }, () =>
    peer.within(name, { start: (signal) => sendIfDue(peer, session, signal), undo: nothingMade }),
  )
}

/**
 * How long a function may wait for the server; 0: as long as Holdfast's own limits say. Reading and writing streams has
 * `stream_set_timeout()`.
 * @throws TypeError
 */
export function ssh2_set_timeout(session: Ssh2Session, seconds: number, microseconds = 0): void {
  const name = 'ssh2_set_timeout'
  const limitMs = milliseconds([name, 2, 'seconds'], seconds, microseconds)
  peerOf(name, session).timeoutMs = limitMs
}

async function sendIfDue(peer: Peer, session: Ssh2Session, signal: AbortSignal): Promise<number> {
  const { keepalive } = peer.client
  const { connection } = peer.link
  const { interval, wantReply } = keepalive.settings
  if (connection.cause !== undefined) throw connection.cause
  if (interval === false) return 0
  const now = connection.now()
  const last = sentAt.get(session)
  if (last !== undefined && now < last + interval) return Math.ceil((last + interval - now) / 1000)
  sentAt.set(session, now)
  if (wantReply) await keepalive.send({ signal })
  else if (!connection.probes.refresh()) throw overError()
  return Math.ceil(interval / 1000)
}

function overError(): HoldfastError {
  return new HoldfastError('ERR_SSH_CONNECTION_LOST', 'the connection is over', { phase: 'ready' })
}
