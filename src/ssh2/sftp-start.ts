import type { Link } from '../client/link.js'
import { HoldfastError } from '../errors.js'
import type { CommandExit } from '../session/outcome.js'
import { type SftpHost, SftpSession } from '../sftp/sftp-session.js'
import { requestEnv } from './channel-requests.js'
import { callError, openingError, ssh2Error } from './errors.js'
import type { Peer } from './peer.js'
import { sessionsFor } from './sessions-of.js'
import { SFTP } from './sftp.js'

/** How a server that did not begin has ended; undefined where it was not even started. */
type Exited = Promise<CommandExit> | undefined

/** @param env variables to ask for, of which most servers take none. @throws Ssh2Error */
export async function startSftp(peer: Peer, client: object, env: unknown): Promise<SFTP> {
  const link = await peer.ready.catch((error: unknown) => Promise.reject(openingError(error)))
  let exited: Exited
  try {
    const session = await SftpSession.open(
      hostOf(link, env, (exit) => {
        exited = exit
      }),
      undefined,
    )
    const turns = {
      guard: (work: () => void) => peer.guard(work),
      afterEnd: (work: () => void) => peer.afterEnd(work),
    }
    const { software } = peer
    return new SFTP({ session, client, software, exited, connectionOver: link.closed, ...turns })
  } catch (error) {
    throw await startError(error, exited)
  }
}

function hostOf(link: Link, env: unknown, started: (exited: Exited) => void): SftpHost {
  const { connection, settings } = link
  const sessions: SftpHost['sessions'] = {
    attach: (name, receiver, signal) =>
      sessionsFor(link).attach(name, receiver, signal, (channel) => requestEnv(channel, env)),
  }
  const { sftp: limitMs, channelClose: closeLimitMs } = settings.limits
  return { port: connection, sessions, limitMs, closeLimitMs, fellBack: () => {}, started }
}

async function startError(error: unknown, exited: Exited): Promise<Error> {
  if (!(error instanceof HoldfastError)) return error instanceof Error ? error : ssh2Error(String(error))
  if (error.code === 'ERR_SSH_CHANNEL_OPEN') return openingError(error)
  if (error.code === 'ERR_SSH_REQUEST_REFUSED') return ssh2Error('Unable to start subsystem: sftp', { cause: error })
  if (error.code === 'ERR_SSH_CHANNEL_CLOSED') return terminated(error, await exited?.catch(() => undefined))
  return callError(error, ssh2Error(error.message, { cause: error }))
}

function terminated(cause: HoldfastError, exit: CommandExit | undefined): Error {
  const { exitCode: code, signal } = exit ?? {}
  if (typeof code === 'number')
    return ssh2Error(`Received exit code ${code} while establishing SFTP session`, { code, cause })
  if (!signal) return ssh2Error('Received unexpected SFTP session termination', { cause })
  return Object.assign(ssh2Error(`Received signal ${signal} while establishing SFTP session`, { cause }), {
    code: null,
    signal,
  })
}
