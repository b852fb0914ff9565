import { orFalse } from './answer.js'
import { intArgument, stringArgument } from './arguments.js'
import { callbacksOf, listen, type Ssh2Callbacks } from './callbacks.js'
import { optionsOf, type Ssh2Context } from './context.js'
import { algorithmsOf, type Ssh2Methods } from './methods.js'
import { Peer } from './peer.js'
import { newSession, peerOf, type Ssh2Session } from './session.js'

/**
 * Connects and exchanges keys. To log in is for `ssh2_auth_…()`, which is waited for as long as the limit `prompt` says, 2 min.
 * The host key is accepted, as in PHP, unless `context` or a policy says otherwise: compare `ssh2_fingerprint()`.
 * @param context PHP has no such argument: options of the socket, of php.ini and of Holdfast
 * @returns false where it fails: `ssh2_last_error()` says why
 * @throws TypeError
 */
export async function ssh2_connect(
  host: string,
  port = 22,
  methods: Ssh2Methods | null = null,
  callbacks: Ssh2Callbacks | null = null,
  context: Ssh2Context | null = null,
): Promise<Ssh2Session | false> {
  const name = 'ssh2_connect'
  stringArgument([name, 1, 'host'], host)
  intArgument([name, 2, 'port'], port)
  const algorithms = algorithmsOf([name, 3, 'methods'], methods)
  const told = callbacksOf([name, 4, 'callbacks'], callbacks)
  const says = `Unable to connect to ${host} on port ${port}`
  return orFalse({ name, says, of: [] }, async () => {
    const options = optionsOf(context ?? {}, host)
    const peer = await Peer.open({
      ...options,
      port,
      algorithms: { ...algorithms, ...options.algorithms },
      agent: false,
    })
    listen(peer, told)
    return newSession(peer)
  })
}

/** Ends a session, and all that runs on it, within 2 s whatever the server does. @throws TypeError */
export async function ssh2_disconnect(session: Ssh2Session): Promise<boolean> {
  await peerOf('ssh2_disconnect', session).close()
  return true
}
