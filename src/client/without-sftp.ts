import { detailsOf, HoldfastError } from '../errors.js'
import type { Link } from './link.js'

/** What became of a call for the files of a server: where that has no SFTP, the error says so, and what else there is. */
export function withoutSftp(error: unknown, { facts }: Link): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'ERR_SSH_REQUEST_REFUSED') return error
  const named = new HoldfastError(error.code, 'the server has no SFTP: it refused the subsystem sftp', {
    ...facts.errorDetails(),
    ...detailsOf(error),
    hint: '`ssh.scp` puts and gets files without it; sshd offers it by the line Subsystem sftp of sshd_config',
    cause: error,
  })
  const frames = error.stack?.split('\n').slice(1) ?? []
  named.stack = [`${named.name}: ${named.message}`, ...frames].join('\n')
  return named
}
