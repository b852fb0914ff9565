import type { Client } from '../client/client.js'
import { orFalse, type Says } from './answer.js'
import { type Place, wrongType } from './arguments.js'
import type { Peer } from './peer.js'
import type { Work } from './work.js'

/** What `ssh2_connect()` gives: PHP's resource `SSH2 Session`, to be handed to the other functions. */
export class Ssh2Session {
  /** As PHP's `get_resource_type()`. */
  get [Symbol.toStringTag](): string {
    return 'SSH2 Session'
  }
}

const peers = new WeakMap<Ssh2Session, Peer>()

export function newSession(peer: Peer): Ssh2Session {
  const session = new Ssh2Session()
  peers.set(session, peer)
  return session
}

/** The connection behind the first argument of a function. @throws TypeError for what is no session */
export function peerOf(name: string, session: unknown): Peer {
  const peer = session instanceof Ssh2Session ? peers.get(session) : undefined
  const place: Place = [name, 1, 'session']
  if (peer === undefined) throw wrongType(place, 'resource', session)
  return peer
}

/** A function of PHP's that works on an authenticated session. */
export interface SessionCall {
  /** `ssh2_exec` */
  readonly name: string
  /** What PHP's warning says where it fails; the reason is put behind it. @default the reason alone */
  readonly says?: Says | undefined
}

/** See `Work`: whoever makes something says how it is undone. */
export interface ClientWork<T> extends Pick<Work<T>, 'undo'> {
  /** @param signal aborts once nobody waits any more, which `ssh2_set_timeout()` decides */
  readonly start: (client: Client, signal: AbortSignal) => Promise<T>
}

/**
 * Does what needs an authenticated session. Where it fails, also for want of a login: a warning, `ssh2_last_error(session)`
 * and `false`.
 * @throws TypeError for what is no session, and what `work` throws that is no HoldfastError
 */
export async function onClient<T>(
  { name, says }: SessionCall,
  session: Ssh2Session,
  { start, undo }: ClientWork<T>,
): Promise<T | false> {
  const peer = peerOf(name, session)
  const of = [session]
  return orFalse({ name, of }, async () => {
    const { client } = peer
    return orFalse({ name, says, of }, () => peer.within(name, { start: (signal) => start(client, signal), undo }))
  })
}
