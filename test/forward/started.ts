import type { TestContext } from 'node:test'
import { type Client, type ConnectOptions, connect } from 'holdfast'
import { type ServerOptions, startServer, type TestServer } from 'holdfast/testing'

/** A client of the embedded server, which forwards; both end with the test. */
export async function started(
  t: TestContext,
  server: Partial<ServerOptions> = {},
  options: ConnectOptions = {},
): Promise<{ ssh: Client; server: TestServer }> {
  const embedded = await startServer({ users: { deploy: { password: 'secret' } }, forwarding: true, ...server })
  const { host, port, hostKey } = embedded
  const trust = { hostKey: { fingerprints: [hostKey.fingerprint] }, agent: false } as const
  const ssh = await connect({ host, port, username: 'deploy', password: 'secret', ...trust, ...options })
  t.after(async () => {
    await ssh.close()
    await embedded.close()
  })
  return { ssh, server: embedded }
}
