import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { ServerSession } from 'holdfast/testing'
import { client, server } from '../promises/support/embedded.js'

test('stats() of an idle client says whom it is with, and what holds', async (t) => {
  const started = await server(t)
  const ssh = await client(t, started, { limits: { reply: '3s' }, keepalive: { interval: '5s' } })
  await ssh.keepalive.send()
  const { negotiated, liveness, limits, policy, loopBlockedMs, ...rest } = ssh.stats()
  assert.deepEqual(rest, {
    host: '127.0.0.1',
    port: started.port,
    username: 'deploy',
    keyExchanges: 1,
    keepalive: { interval: 5000, countMax: 3, wantReply: true, tcp: true },
    tcpKeepalive: true,
    ignoredConfig: [],
    sessions: { open: 0, waiting: 0, abandoned: [] },
    channels: [],
    unsentBytes: 0,
    surplus: 0,
    reconnect: undefined,
  })
  assert.deepEqual(negotiated, ssh.negotiated)
  assert.equal(negotiated?.strictKex, true)
  assert.deepEqual([liveness.state, liveness.bound, liveness.unanswered], ['alive', 20_000, 0])
  assert.deepEqual([limits.reply, limits.connect, limits.timeout], [3000, 30_000, false])
  assert.deepEqual(policy.options['keepalive.interval'], { value: 5000, from: 'call' })
  assert.deepEqual(policy.options['limits.connect'], { value: 30_000, from: 'built-in' })
  assert.ok(loopBlockedMs >= 0)
})

test('stats() shows what is held up, and by whom', async (t) => {
  const started = await server(t, { exec: writeMuch })
  const ssh = await client(t, started)
  const command = await ssh.spawn('much output, and no input read')
  command.stdin.write(Buffer.alloc(5_000_000))
  const isFull = () => ssh.stats().channels.every(({ sendWindow, receiveWindow }) => sendWindow + receiveWindow === 0)
  while (!isFull()) await new Promise((resolve) => setTimeout(resolve, 5))
  const [channel] = ssh.stats().channels
  assert.ok((channel?.unsentBytes ?? 0) > 2_000_000)
  assert.equal(channel?.abandoned, false)
  assert.deepEqual(ssh.stats().sessions, { open: 1, waiting: 0, abandoned: [] })
})

async function writeMuch({ stdout }: ServerSession): Promise<void> {
  await once(stdout.end(Buffer.alloc(5_000_000)), 'close')
}
