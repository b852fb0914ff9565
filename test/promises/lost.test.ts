/** Rows 35 and 38 of the table of failures: the connection is reset, and nothing of it stays. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { failure } from './support/outcome.js'
import { pendingOn } from './support/pending.js'
import { signalConnections } from './support/signals.js'
import { socketsTo } from './support/sockets.js'

leavesNothing()

const keepalive = { interval: 400, countMax: 3 }

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`an sshd ${version}`, { skip, concurrency: true, timeout: 30_000 }, () => {
    test('that is dead has no socket of ours any more after the verdict, and no byte waits for it', async (t) => {
      const started = await sshd(t, { version })
      const ssh = await login(t, started, { keepalive })
      const commands = await Promise.all([1, 2, 3, 4].map(() => ssh.spawn('sleep 3000')))
      await signalConnections(started, 'SIGSTOP')
      for (const { stdin } of commands) stdin.write(Buffer.alloc(4_000_000))
      assert.equal((await socketsTo(started.port)).length, 1)
      assert.equal((await ssh.closed).code, 'ERR_SSH_PEER_DEAD')
      assert.deepEqual(await socketsTo(started.port), [])
    })
  })
}

test('a goodbye of the server fails everything that is pending, with its words', { timeout: 30_000 }, async (t) => {
  const started = await server(t)
  const ssh = await client(t, started)
  const pending = pendingOn(ssh, await ssh.spawn('sleep 3000')).map(failure)
  await started.connections[0]?.disconnect()
  const failures = await Promise.all(pending)
  const reason = await ssh.closed
  assert.deepEqual([reason.code, reason.phase], ['ERR_SSH_DISCONNECTED', 'ready'])
  assert.match(reason.message, /closed by the server \(reason 11\)/)
  assert.equal(reason.disconnectReason, 11)
  for (const { error } of failures) assert.ok(error === reason || error.cause === reason, String(error))
})

describe('a reset', { concurrency: true, timeout: 30_000 }, () => {
  test('fails everything that is pending, with what the system said', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay)
    const command = await ssh.spawn('sleep 3000')
    const pending = pendingOn(ssh, command).map(failure)
    relay.reset()
    const failures = await Promise.all(pending)
    const reason = await ssh.closed
    assert.deepEqual([reason.code, reason.phase], ['ERR_SSH_CONNECTION_LOST', 'ready'])
    assert.ok(reason.cause instanceof Error && 'code' in reason.cause)
    assert.equal(reason.cause.code, 'ECONNRESET')
    for (const { error } of failures) assert.ok(error === reason || error.cause === reason, String(error))
  })

  test('in the middle of a close() ends it', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay)
    // The peer has something left to read: that its command is over.
    const running = failure((await ssh.spawn('sleep 60')).exited)
    relay.stall()
    let isOver = false
    const closing = ssh.close({ timeout: '20s' }).finally(() => {
      isOver = true
    })
    await running
    assert.equal(isOver, false)
    relay.reset()
    await closing
    assert.equal((await ssh.closed).code, 'ERR_SSH_CLOSED')
  })
})
