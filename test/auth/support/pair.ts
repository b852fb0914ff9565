import { HoldfastError } from 'holdfast'
import { ClientAuthentication, type ClientAuthenticationOptions } from '#src/auth/client.js'
import { ServerAuthentication, type ServerAuthenticationOptions } from '#src/auth/server.js'
import type { AuthAttempt } from '#src/auth/server-attempt.js'
import { End, limits, runExplained } from './line.js'

export interface Pair {
  readonly client: { readonly end: End; readonly done: Promise<void>; readonly authentication: ClientAuthentication }
  readonly server: {
    readonly end: End
    readonly done: Promise<AuthAttempt>
    readonly authentication: ServerAuthentication
  }
}

/** Joins both roles in memory. Whatever fails on one side ends both, as the end of a connection does. */
export function joined(
  clientOptions: Partial<ClientAuthenticationOptions>,
  serverOptions: Partial<ServerAuthenticationOptions>,
): Pair {
  const [clientEnd, serverEnd] = [new End(), new End()]
  const server = new ServerAuthentication(serverEnd.port, {
    methods: ['publickey', 'password', 'keyboard-interactive'],
    authenticate: async () => 'refuse',
    ...serverOptions,
  })
  const client = new ClientAuthentication(clientEnd.port, { username: 'deploy', ways: [], limits, ...clientOptions })
  clientEnd.deliver = delivery(server, serverEnd, clientEnd)
  serverEnd.deliver = delivery(client, clientEnd, serverEnd)
  const [clientDone, serverDone] = [runExplained(client), server.run()]
  clientDone.catch(() => serverEnd.waits.drain(lost))
  serverDone.catch(() => clientEnd.waits.drain(disconnected))
  return {
    client: { end: clientEnd, done: clientDone, authentication: client },
    server: { end: serverEnd, done: serverDone, authentication: server },
  }
}

const lost = new HoldfastError('ERR_SSH_CONNECTION_LOST', 'the client went')
const disconnected = new HoldfastError('ERR_SSH_DISCONNECTED', 'the server went')

function delivery(receiver: { receive(payload: Buffer): void }, own: End, other: End): (payload: Buffer) => void {
  return (payload) => {
    try {
      receiver.receive(payload)
    } catch (error) {
      own.waits.drain(error instanceof HoldfastError ? error : new HoldfastError('ERR_SSH_PROTOCOL', String(error)))
      other.waits.drain(disconnected)
    }
  }
}
