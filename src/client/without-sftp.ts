import { detailsOf, type ErrorCode, HoldfastError, takeFrames } from '../errors.js'
import type { Link } from './link.js'

/** What servers without SFTP do: sshd refuses; dropbear starts a program that is not there. */
const signs: Partial<Record<ErrorCode, string>> = {
  ERR_SSH_REQUEST_REFUSED: 'the server has no SFTP: it refused the subsystem sftp',
  ERR_SSH_CHANNEL_CLOSED: 'the server has no SFTP that works: its subsystem sftp ended before it answered',
}

/** What became of a call for the files of a server: where that has no SFTP, the error says so, and what else there is. */
export function withoutSftp(error: unknown, { facts }: Link): unknown {
  const message = error instanceof HoldfastError ? signs[error.code] : undefined
  if (!(error instanceof HoldfastError) || message === undefined) return error
  const named = new HoldfastError(error.code, message, {
    ...facts.errorDetails(),
    ...detailsOf(error),
    hint: '`ssh.scp` puts and gets files without it; on the server it takes a program sftp-server, and of sshd the line Subsystem sftp',
    cause: error,
  })
  takeFrames(named, error)
  return named
}
