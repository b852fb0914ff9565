import type { Says } from './answer.js'
import { intArgument, stringArgument } from './arguments.js'
import { onClient, type Ssh2Session } from './session.js'
import { nothingMade } from './work.js'

/** All that scp carries of a file's permissions. */
const permissions = 0o777

/**
 * Fetches a file by scp, which has to be on the server. It gets the permissions and times of any file that is made here, and no more for others
 * than they have there.
 * @throws TypeError
 */
export async function ssh2_scp_recv(session: Ssh2Session, remote_file: string, local_file: string): Promise<boolean> {
  const name = 'ssh2_scp_recv'
  const remote = stringArgument([name, 2, 'remote_file'], remote_file)
  const local = stringArgument([name, 3, 'local_file'], local_file)
  const says = localOr('Unable to write to local file', 'Unable to receive remote file')
  let receiving: Promise<void> = Promise.resolve()
  const isFetched = await onClient({ name, says }, session, {
    start: async (client, signal) => {
      await client.scp.fetch(remote, local, { preserve: false, signal }, (begun) => {
        receiving = begun
      })
      return true
    },
    undo: nothingMade,
  })
  // One that was given up still empties and closes the file, which is the program's from now on.
  await receiving.catch(() => {})
  return isFetched
}

/**
 * Sends a file by scp, which has to be on the server, with its times.
 * @param create_mode its permissions there @default those that it has here
 * @throws TypeError
 */
export async function ssh2_scp_send(
  session: Ssh2Session,
  local_file: string,
  remote_file: string,
  create_mode: number | null = null,
): Promise<boolean> {
  const name = 'ssh2_scp_send'
  const local = stringArgument([name, 2, 'local_file'], local_file)
  const remote = stringArgument([name, 3, 'remote_file'], remote_file)
  const mode = create_mode === null ? undefined : intArgument([name, 4, 'create_mode'], create_mode) & permissions
  return onClient({ name, says: localOr('Unable to read source file', 'Failure creating remote file') }, session, {
    start: async (client, signal) => {
      await client.scp.put(local, remote, { mode, signal })
      return true
    },
    undo: nothingMade,
  })
}

/** PHP's words by whose fault it is. */
function localOr(local: string, remote: string): Says {
  return ({ code }) => (code === 'ERR_SSH_SCP_LOCAL' ? local : remote)
}
