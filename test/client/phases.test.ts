import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, test } from 'node:test'
import { connect, type DiagnosticsMessages } from 'holdfast'
import { startServer, type TestServer } from 'holdfast/testing'

const got: string[] = []
const listener = (message: unknown): void => {
  const { state, phase, host } = message as DiagnosticsMessages['holdfast:connection']
  if (host === `127.0.0.1:${server.port}`) got.push(`${state} ${phase}`)
}
let server: TestServer

beforeEach(async () => {
  server = await startServer({ users: { deploy: { password: 'secret' } } })
  got.length = 0
  subscribe('holdfast:connection', listener)
})
afterEach(async () => {
  unsubscribe('holdfast:connection', listener)
  await server.close()
})

const options = (password: string) => ({
  host: server.host,
  port: server.port,
  username: 'deploy',
  password,
  agent: false as const,
  identityFiles: [],
  hostKey: { fingerprints: [server.hostKey.fingerprint] },
})

test('a connection tells each phase that it comes to', async () => {
  const client = await connect(options('secret'))
  await client.close()
  assert.deepEqual(got, [
    'connecting dns',
    'connecting identification',
    'connecting authentication',
    'ready ready',
    'closing close',
    'closed close',
  ])
})

test('one that fails tells in which phase', async () => {
  await assert.rejects(connect(options('wrong')), { code: 'ERR_SSH_AUTHENTICATION' })
  assert.deepEqual(got, [
    'connecting dns',
    'connecting identification',
    'connecting authentication',
    'closed authentication',
  ])
})
