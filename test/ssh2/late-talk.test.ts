import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { Client } from 'holdfast/ssh2'
import { startServer } from 'holdfast/testing'

test('a peer that goes on talking after the goodbye does not put close off', { timeout: 60_000 }, async (t) => {
  const server = await startServer({ users: { deploy: { password: 'secret' } } })
  t.after(() => server.close())
  const relay = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: server.port, host: server.host, allowHalfOpen: true })
    let talk: NodeJS.Timeout | undefined
    near.pipe(far, { end: false })
    far.on('data', (bytes) => near.write(bytes)).on('error', () => {})
    near
      .on('error', () => {})
      .on('close', () => {
        clearInterval(talk)
        far.destroy()
      })
    near.on('end', () => {
      talk = setInterval(() => near.write('x'), 1500)
    })
  })
  t.after(() => relay.close())
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const client = new Client()
  client.connect({
    host: '127.0.0.1',
    port: (relay.address() as AddressInfo).port,
    username: 'deploy',
    password: 'secret',
  })
  await once(client, 'ready')
  const endedAt = performance.now()
  client.end()
  await once(client, 'close')
  // It has 2 s, and one more piece of theirs may come in time.
  assert.ok(performance.now() - endedAt < 10_000)
})
