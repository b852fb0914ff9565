import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientKeepalive } from '#src/client/keepalive.js'
import { nothingLeft } from '../support/core/checks.js'
import { loggedIn } from '../support/core/pair.js'

async function keepaliveOfClient() {
  const joined = await loggedIn({
    client: { keepalive: { interval: false, countMax: 3, wantReply: true, tcp: false } },
  })
  const connection = () => joined.client.connection
  return { ...joined, keepalive: new ClientKeepalive({ connection, replyLimitMs: 15_000, setTcp: () => {} }) }
}

test('the time for the answer to a probe begins when the kernel has taken the probe', async () => {
  const { time, client, keepalive } = await keepaliveOfClient()
  client.kernelTakes = false
  const answer = keepalive.send({ timeout: '1s' })
  await time.run(5000)
  client.kernelTakes = true
  client.flush()
  assert.equal((await time.value(answer, 500)).probe, 'global-request')
})

test('a probe that the kernel never takes is given up after ten limits', async () => {
  const { time, client, keepalive } = await keepaliveOfClient()
  client.kernelTakes = false
  const { error, tookMs } = await time.failure(keepalive.send({ timeout: '1s' }))
  assert.deepEqual([error.code, tookMs], ['ERR_SSH_PROBE_TIMEOUT', 10_000])
  client.connection.streamEnded()
  nothingLeft(client)
})
