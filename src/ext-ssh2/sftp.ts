import type { Sftp } from '../sftp/sftp.js'
import { isCode } from '../sftp/trees.js'
import { orFalse } from './answer.js'
import { wrongType } from './arguments.js'
import type { Peer } from './peer.js'
import { onClient, peerOf, type SessionCall, type Ssh2Session } from './session.js'
import { type SharedSftp, sharedSftp } from './sftp-share.js'
import { nothingMade, type Work } from './work.js'

/** What `ssh2_sftp()` gives: PHP's resource `SSH2 SFTP`, to be handed to the other functions. It ends with its session. */
export class Ssh2Sftp {
  /** As PHP's `get_resource_type()`. */
  get [Symbol.toStringTag](): string {
    return 'SSH2 SFTP'
  }
}

/** What a function works on. */
export interface SftpState {
  readonly session: Ssh2Session
  readonly peer: Peer
  readonly sftp: Sftp
  /** For what stays open on `sftp`, which does not end meanwhile. @returns what is to be called once it is closed */
  readonly hold: () => () => void
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

/** What a handle stands for. */
interface Handle {
  readonly session: Ssh2Session
  readonly peer: Peer
  shared: SharedSftp
}

const handles = new WeakMap<Ssh2Sftp, Handle>()

/** Starts SFTP: a handle for the functions `ssh2_sftp_…()`. @throws TypeError */
export async function ssh2_sftp(session: Ssh2Session): Promise<Ssh2Sftp | false> {
  const name = 'ssh2_sftp'
  return onClient({ name, says: 'Unable to startup SFTP subsystem' }, session, {
    start: async (client) => {
      const handle = new Ssh2Sftp()
      handles.set(handle, { session, peer: peerOf(name, session), shared: await sharedSftp(session, client) })
      return handle
    },
    // The handle alone: what it stands for is of others too.
    undo: nothingMade,
  })
}

/**
 * Asks for something of a server's files. Where it fails: `ssh2_last_error()` of the handle and of its session, and `false`.
 * @throws TypeError for what is no such handle, and what `start` throws that is no HoldfastError
 */
export async function onSftp<T>(
  { name, says, isQuiet }: SftpCall,
  given: Ssh2Sftp,
  { start, undo }: SftpWork<T>,
): Promise<T | false> {
  const handle = given instanceof Ssh2Sftp ? handles.get(given) : undefined
  if (handle === undefined) throw wrongType([name, 1, 'sftp'], 'resource', given)
  const { peer, session } = handle
  let used: SharedSftp | undefined
  const begin = async (signal: AbortSignal) => {
    while (handle.shared.isRetired) handle.shared = await sharedSftp(session, peer.client)
    const { shared } = handle
    used = shared
    return shared.during(start({ session, peer, sftp: shared.sftp, hold: () => shared.hold() }, signal))
  }
  return orFalse({ name, says, isQuiet, of: [given, session] }, async () => {
    try {
      return await peer.within(name, { start: begin, undo })
    } catch (error) {
      if (isCode(error, 'ERR_SSH_TIMEOUT')) used?.retire()
      throw error
    }
  })
}
