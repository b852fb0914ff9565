import type { ConnectOptions } from '../client/options.js'
import { orFalse } from './answer.js'
import { intArgument, stringArgument } from './arguments.js'
import { Peer } from './peer.js'
import { newSession, peerOf, type Ssh2Session } from './session.js'

const name = 'ssh2_connect'

/**
 * Connects and exchanges keys; to log in is for `ssh2_auth_…()`, within the limit `prompt` (2 min).
 * @returns false where it fails: `ssh2_last_error()` says why
 * @throws TypeError
 */
export async function ssh2_connect(host: string, port = 22): Promise<Ssh2Session | false> {
  const options: ConnectOptions = {
    host: stringArgument([name, 1, 'host'], host),
    port: intArgument([name, 2, 'port'], port),
    hostKey: { policy: 'off', knownHosts: [], update: false },
  }
  const says = `Unable to connect to ${host} on port ${port}`
  return orFalse({ name, says, of: [] }, async () => newSession(await Peer.open(options)))
}

/** Ends a session, and all that runs on it, within 2 s whatever the server does. */
export async function ssh2_disconnect(session: Ssh2Session): Promise<boolean> {
  await peerOf('ssh2_disconnect', session).close()
  return true
}
