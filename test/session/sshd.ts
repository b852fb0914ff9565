import { readFile } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { type Client, type ConnectOptions, connect } from 'holdfast'
import type { ReferenceServer, ServerProcess } from '../servers/reference-server.js'
import { type SshdOptions, type SshdServer, startSshd } from '../servers/sshd.js'

/** A server for one test. */
export async function sshd(t: TestContext, options: SshdOptions): Promise<SshdServer> {
  const server = await startSshd(options)
  t.after(() => server.stop())
  return server
}

/** A connection for one test, ended before its server. */
export async function login(t: TestContext, server: ReferenceServer, options: ConnectOptions = {}): Promise<Client> {
  const { host, port, username, clientKeys } = server
  const privateKey = await readFile(clientKeys.ed25519.privateKey)
  const ssh = await connect({ host, port, username, privateKey, agent: false, hostKey: { policy: 'off' }, ...options })
  t.after(() => ssh.close())
  return ssh
}

/** What was started for users of this server and still runs. */
export async function running(server: ReferenceServer): Promise<readonly ServerProcess[]> {
  return (await server.processes()).filter(({ role }) => role === 'command')
}
