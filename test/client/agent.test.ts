import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Agent, connect } from 'holdfast'
import { startServer } from 'holdfast/testing'
import { generatePrivateKey } from '#src/keys/private-key.js'

const key = generatePrivateKey('ssh-ed25519')
const authorized = `ssh-ed25519 ${key.publicKey.blob.toString('base64')}`

test('an agent that the program gave is used by many clients, and closed by none', async () => {
  let closed = 0
  const agent: Agent & { close(): void } = {
    name: 'the agent of the test',
    identities: async () => [{ publicKey: key.publicKey, comment: '' }],
    sign: async (_key, algorithm, data) => key.sign(algorithm, data),
    close: () => {
      closed++
    },
  }
  const server = await startServer({ users: { deploy: { authorizedKeys: [authorized] } }, exec: () => 0 })
  try {
    const options = { agent, hostKey: { policy: 'off' } } as const
    const target = `deploy@${server.host}:${server.port}`
    const first = await connect(target, options)
    const second = await connect(target, options)
    await first.close()
    assert.equal((await second.exec('true')).exitCode, 0)
    await second.close()
    assert.equal((await second.closed).code, 'ERR_SSH_CLOSED')
    assert.equal(closed, 0)
  } finally {
    await server.close()
  }
})

test('what is no agent is refused before anything is sent', async () => {
  const agent = { identities: async () => [], sign: async () => Buffer.alloc(0) } as unknown as Agent
  await assert.rejects(connect('host', { agent }), {
    code: 'ERR_SSH_OPTION',
    message: /name, identities\(\) and sign\(\)/,
  })
})
