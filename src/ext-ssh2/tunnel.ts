import type { Tunnel } from '../forward/tunnel.js'
import { intArgument, stringArgument } from './arguments.js'
import { onClient, peerOf, type Ssh2Session } from './session.js'
import { register } from './stream-state.js'

/** Has the server connect to a host and port: the stream of that connection. @throws TypeError */
export async function ssh2_tunnel(session: Ssh2Session, host: string, port: number): Promise<Tunnel | false> {
  const name = 'ssh2_tunnel'
  const target = { host: stringArgument([name, 2, 'host'], host), port: intArgument([name, 3, 'port'], port) }
  const says = 'Unable to request a channel from remote host'
  return onClient({ name, says }, session, {
    start: async (client, signal) =>
      register(await client.connectTo(target, { signal }), session, peerOf(name, session)),
    undo: (tunnel) => tunnel.destroy(),
  })
}
