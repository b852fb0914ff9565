import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { type Client, type ConnectOptions, connect } from 'holdfast'
import {
  type BadNetwork,
  badNetwork,
  type ServerOptions,
  type SessionHandler,
  startServer,
  type TestServer,
} from 'holdfast/testing'

/** A server for one test, which runs commands on this machine. */
export async function server(t: TestContext, options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const commands = options.exec === undefined ? { shell: true } : {}
  const users = options.authenticate === undefined ? { users: { deploy: { password: 'secret' } } } : {}
  const started = await startServer({ ...users, ...commands, ...options })
  t.after(() => started.close())
  return started
}

/** A command that runs until its session is closed. No process is started for it, which on a busy machine takes its time. */
export const runForEver: SessionHandler = async ({ signal }) => {
  await once(signal, 'abort')
}

/** A relay for one test. */
export async function network(t: TestContext, to: { readonly port: number }): Promise<BadNetwork> {
  const relay = await badNetwork({ to })
  t.after(() => relay.close())
  return relay
}

/** A client for one test, of the server or of the relay before it. */
export async function client(
  t: TestContext,
  { host, port }: { readonly host: string; readonly port: number },
  options: ConnectOptions = {},
): Promise<Client> {
  const ssh = await connect({ host, port, ...account, ...options })
  t.after(() => ssh.close())
  return ssh
}

export const account = {
  username: 'deploy',
  password: 'secret',
  hostKey: { policy: 'off' },
} as const satisfies ConnectOptions
