import type { Link } from '../client/link.js'
import { HoldfastError } from '../errors.js'
import { type SftpHost, SftpSession } from '../sftp/sftp-session.js'
import { callError, openingError, ssh2Error } from './errors.js'
import type { Peer } from './peer.js'
import { sessionsFor } from './sessions-of.js'
import { SFTPWrapper } from './sftp.js'

/** @throws Ssh2Error */
export async function startSftp(peer: Peer, client: object): Promise<SFTPWrapper> {
  const link = await peer.ready.catch((error: unknown) => Promise.reject(openingError(error)))
  try {
    const session = await SftpSession.open(hostOf(link), undefined)
    return new SFTPWrapper({ session, client, connectionOver: link.closed, guard: (work) => peer.guard(work) })
  } catch (error) {
    throw startError(error)
  }
}

function hostOf(link: Link): SftpHost {
  const { connection, settings } = link
  const { sftp: limitMs, channelClose: closeLimitMs } = settings.limits
  return { port: connection, sessions: sessionsFor(link), limitMs, closeLimitMs, fellBack: () => {} }
}

function startError(error: unknown): Error {
  if (!(error instanceof HoldfastError)) return error instanceof Error ? error : ssh2Error(String(error))
  if (error.code === 'ERR_SSH_CHANNEL_OPEN') return openingError(error)
  if (error.code === 'ERR_SSH_REQUEST_REFUSED') return ssh2Error('Unable to start subsystem: sftp', { cause: error })
  if (error.code === 'ERR_SSH_CHANNEL_CLOSED')
    return ssh2Error('Received unexpected SFTP session termination', { cause: error })
  return callError(error, ssh2Error(error.message, { cause: error }))
}
