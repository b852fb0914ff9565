import type { Client } from '../client/client.js'
import type { Sftp } from '../sftp/sftp.js'
import { isCode } from '../sftp/trees.js'
import { orFalse } from './answer.js'
import { wrongType } from './arguments.js'
import type { Peer } from './peer.js'
import { onClient, peerOf, type SessionCall, type Ssh2Session } from './session.js'
import { nothingMade, type Work } from './work.js'

/** What `ssh2_sftp()` gives: PHP's resource `SSH2 SFTP`, to be handed to the other functions. It ends with its session. */
export class Ssh2Sftp {
  /** As PHP's `get_resource_type()`. */
  get [Symbol.toStringTag](): string {
    return 'SSH2 SFTP'
  }
}

/** What a handle stands for. */
export interface SftpState {
  readonly session: Ssh2Session
  readonly peer: Peer
  readonly sftp: Sftp
}

/** A function of PHP's that works on such a handle. */
export interface SftpCall extends SessionCall {
  /** Whether PHP answers false without a warning. @default false */
  readonly isQuiet?: boolean
}

/** See `Work`: whoever makes something, as an open file is, says how it is undone. */
export interface SftpWork<T> extends Pick<Work<T>, 'undo'> {
  /** @param signal aborts once nobody waits any more */
  readonly start: (state: SftpState, signal: AbortSignal) => Promise<T>
}

const states = new WeakMap<Ssh2Sftp, SftpState>()
const shared = new WeakMap<Ssh2Session, Sftp>()

/** Starts SFTP: a handle for the functions `ssh2_sftp_…()`. @throws TypeError */
export async function ssh2_sftp(session: Ssh2Session): Promise<Ssh2Sftp | false> {
  const name = 'ssh2_sftp'
  return onClient({ name, says: 'Unable to startup SFTP subsystem' }, session, {
    start: async (client, signal) => {
      const sftp = shared.get(session) ?? (await startFor(client, session, signal))
      const handle = new Ssh2Sftp()
      states.set(handle, { session, peer: peerOf(name, session), sftp })
      return handle
    },
    // The handle alone: one that was started for it ends by the signal, and one that was there is of others too.
    undo: nothingMade,
  })
}

/**
 * Asks for something of a server's files. Where it fails: `ssh2_last_error()` of the handle and of its session, and `false`.
 * @throws TypeError for what is no such handle, and what `start` throws that is no HoldfastError
 */
export async function onSftp<T>(
  { name, says, isQuiet }: SftpCall,
  handle: Ssh2Sftp,
  { start, undo }: SftpWork<T>,
): Promise<T | false> {
  const state = handle instanceof Ssh2Sftp ? states.get(handle) : undefined
  if (state === undefined) throw wrongType([name, 1, 'sftp'], 'resource', handle)
  const { peer, session, sftp } = state
  return orFalse({ name, says, isQuiet, of: [handle, session] }, async () => {
    try {
      return await peer.within(name, { start: (signal) => start(state, signal), undo })
    } catch (error) {
      // It may be frozen. What waits there may still be answered; but who asks for a handle next is to have another one.
      if (isCode(error, 'ERR_SSH_TIMEOUT')) shareNoMore(session, sftp)
      throw error
    }
  })
}

/**
 * One for all handles of a session: PHP ends that of a handle which nobody has any more, and a program that asks for one each
 * time would here come to the server's MaxSessions.
 */
async function startFor(client: Client, session: Ssh2Session, signal: AbortSignal): Promise<Sftp> {
  const sftp = await client.sftp({ signal })
  shared.set(session, sftp)
  sftp.session.onEnd(() => shareNoMore(session, sftp))
  return sftp
}

function shareNoMore(session: Ssh2Session, sftp: Sftp): void {
  if (shared.get(session) === sftp) shared.delete(session)
}
