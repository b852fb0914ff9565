import { HoldfastError } from 'holdfast'
import { ClientAuthentication, type ClientAuthenticationOptions } from '#src/auth/client.js'
import { ServerAuthentication, type ServerAuthenticationOptions } from '#src/auth/server.js'
import type { AuthAttempt } from '#src/auth/server-attempt.js'
import { disconnectFor } from '#src/connection/endings.js'
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
  serverDone.catch((error: unknown) => clientEnd.waits.drain(goodbye(error)))
  return {
    client: { end: clientEnd, done: clientDone, authentication: client },
    server: { end: serverEnd, done: serverDone, authentication: server },
  }
}

const lost = new HoldfastError('ERR_SSH_CONNECTION_LOST', 'the client went')

/** What the client hears when the server ends the connection for this, with the reason that the server gives then. */
function goodbye(error: unknown): HoldfastError {
  const told = error instanceof HoldfastError ? disconnectFor(error) : undefined
  return new HoldfastError('ERR_SSH_DISCONNECTED', 'the server went', told && { disconnectReason: told.reason })
}

function delivery(receiver: { receive(payload: Buffer): void }, own: End, other: End): (payload: Buffer) => void {
  return (payload) => {
    try {
      receiver.receive(payload)
    } catch (error) {
      const cause = error instanceof HoldfastError ? error : new HoldfastError('ERR_SSH_PROTOCOL', String(error))
      own.waits.drain(cause)
      other.waits.drain(goodbye(cause))
    }
  }
}
