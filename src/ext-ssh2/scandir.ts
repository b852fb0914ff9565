import { HoldfastError } from '../errors.js'
import { orFalseNow } from './answer.js'
import { intArgument, stringArgument } from './arguments.js'
import { SCANDIR_SORT_ASCENDING, SCANDIR_SORT_DESCENDING } from './constants.js'
import type { Ssh2Session } from './session.js'
import { onSftp, Ssh2Sftp, ssh2_sftp } from './sftp.js'
import { parseUrl, wrongUrl } from './url.js'
import { nothingMade } from './work.js'

/** Where a directory is listed, and how. */
export interface ScandirOptions {
  /** What `ssh2_connect()` or `ssh2_sftp()` gave. */
  readonly session: Ssh2Session | Ssh2Sftp
  /** SCANDIR_SORT_ASCENDING, SCANDIR_SORT_DESCENDING, or SCANDIR_SORT_NONE for the server's order. @default ascending */
  readonly sorting_order?: number
}

/**
 * The names in a directory of a server, `.` and `..` among them.
 * @param url `ssh2.sftp:///path`
 * @throws TypeError
 */
export async function scandir(url: string, { session, sorting_order }: ScandirOptions): Promise<string[] | false> {
  const name = 'scandir'
  stringArgument([name, 1, 'url'], url)
  const order = intArgument([name, 2, 'sorting_order'], sorting_order ?? SCANDIR_SORT_ASCENDING)
  const path = orFalseNow({ name, of: [session] }, () => pathOf(url))
  const sftp = path !== false && (session instanceof Ssh2Sftp ? session : await ssh2_sftp(session))
  if (path === false || sftp === false) return false
  return onSftp({ name, says: `Unable to open ${path} on remote host` }, sftp, {
    start: async (state, signal) => {
      const names = ['.', '..', ...(await state.sftp.readdir(path, { signal }))]
      if (order === SCANDIR_SORT_ASCENDING) return names.toSorted()
      return order === SCANDIR_SORT_DESCENDING ? names.toSorted().toReversed() : names
    },
    undo: nothingMade,
  })
}

/** @throws HoldfastError ERR_SSH_OPTION */
function pathOf(url: string): string {
  const { wrapper, hasHost, path } = parseUrl(url)
  if (wrapper !== 'sftp') throw new HoldfastError('ERR_SSH_OPTION', `ssh2.${wrapper}:// has no directories`)
  if (hasHost) throw wrongUrl('it names a host, and there is a session: it can be one of the two')
  return path
}
