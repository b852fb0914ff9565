/** Row 26 of the table of failures, and what `close()` promises: bounded, idempotent, and nothing written is lost. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { Client } from 'holdfast'
import type { ServerSession } from 'holdfast/testing'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { countBusy } from './support/busy.js'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { assertWithin, failure } from './support/outcome.js'
import { signalConnections } from './support/signals.js'
import { untilNoSockets } from './support/sockets.js'

leavesNothing()

const skip = skipReason(await prepareSshd('9.2'))

/** Of each test: a shared one would be used up by its neighbours. */
const timeout = 60_000

describe('close()', { concurrency: true }, () => {
  test('of a stopped peer, with the socket full, ends within its limit, however often it is called', {
    skip,
    timeout,
  }, async (t) => {
    const started = await sshd(t, { version: '9.2' })
    const ssh = await login(t, started)
    const commands = await Promise.all([1, 2, 3, 4].map(() => ssh.spawn('sleep 60')))
    await signalConnections(started, 'SIGSTOP')
    for (const { stdin } of commands) stdin.write(Buffer.alloc(4_000_000))
    const ended = commands.map(({ exited }) => failure(exited))
    assert.ok(ssh.stats().channels.every(({ unsentBytes }) => unsentBytes > 0))
    const [since, busyMs] = [performance.now(), countBusy()]
    const closing = [ssh.close(), ssh.close(), ssh[Symbol.asyncDispose](), ssh.close({ timeout: '1s' })]
    for (const { error, waitedMs } of await Promise.all(ended)) {
      assert.equal(error.code, 'ERR_SSH_CLOSED')
      assert.ok(waitedMs < 500, `${waitedMs} ms`)
    }
    await Promise.all(closing)
    const tookMs = performance.now() - since
    t.diagnostic(`took ${Math.round(tookMs)} ms, limit 2000`)
    assertWithin(tookMs, [1900, 4000 + busyMs()])
    assert.equal((await ssh.closed).code, 'ERR_SSH_CLOSED')
  })

  test('of a stopped peer that has nothing left to read ends at once, and its socket soon after', {
    skip,
    timeout,
  }, async (t) => {
    const started = await sshd(t, { version: '9.2' })
    const ssh = await login(t, started, { limits: { close: '20s' } })
    await ssh.exec('true')
    await signalConnections(started, 'SIGSTOP')
    const [since, busyMs] = [performance.now(), countBusy()]
    await ssh.close()
    assertWithin(performance.now() - since, [0, 10_000 + busyMs()])
    await untilNoSockets(started.port)
  })

  test('of a peer that is gone ends within the time it is given', { timeout }, async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay)
    // The peer has something left to read: that its command is over.
    const running = failure((await ssh.spawn('sleep 60')).exited)
    relay.cut()
    const [since, busyMs] = [performance.now(), countBusy()]
    await ssh.close({ timeout: 300 })
    assertWithin(performance.now() - since, [290, 1500 + busyMs()])
    assert.equal((await running).error.code, 'ERR_SSH_CLOSED')
    await ssh.close()
  })

  test('settles everything at once, and refuses what is called after it', { timeout }, async (t) => {
    const ssh = await client(t, await server(t))
    const running = await ssh.spawn('sleep 60')
    const pending = [running.exited, ssh.exec('sleep 60'), ...calls(ssh)].map(failure)
    const closing = ssh.close()
    for (const { error, waitedMs } of await Promise.all([...pending, ...calls(ssh).map(failure)])) {
      assert.equal(error.code, 'ERR_SSH_CLOSED')
      assert.ok(waitedMs < 500, `${waitedMs} ms`)
    }
    await closing
    for (const { error } of await Promise.all(calls(ssh).map(failure))) assert.equal(error.code, 'ERR_SSH_CLOSED')
    ssh.keepalive.configure({ interval: '1s' })
    ssh.unref().ref()
  })

  test('says goodbye, and gives its listeners the reason', { timeout }, async (t) => {
    const started = await server(t)
    const ssh = await client(t, started)
    const [peer] = started.connections
    const reasons: unknown[] = []
    ssh.on('close', (reason) => reasons.push(reason))
    await ssh.close()
    assert.deepEqual(reasons, [await ssh.closed])
    assert.equal((await ssh.closed).code, 'ERR_SSH_CLOSED')
    assert.match((await peer?.closed)?.message ?? '', /closed by the client \(reason 11\)/)
  })

  for (const bytesPerSecond of [undefined, 1_000_000]) {
    // A server that is told goodbye lets go of what its program has not read, so what counts is what reached it.
    test(`lets what was written go out first, at ${bytesPerSecond ?? 'any number of'} bytes a second`, {
      timeout,
    }, async (t) => {
      const started = await server(t, { exec: readAll })
      const relay = await network(t, started)
      const ssh = await client(t, relay)
      const command = await ssh.spawn('read everything')
      if (bytesPerSecond !== undefined) relay.rate({ bytesPerSecond })
      command.stdin.write(randomBytes(3_000_000))
      await ssh.close({ timeout: '1m' })
      assert.ok(relay.stats().passed.toServer > 3_000_000, `${relay.stats().passed.toServer} bytes arrived`)
    })
  }
})

function calls(ssh: Client): readonly Promise<unknown>[] {
  return [ssh.exec('true'), ssh.spawn('true'), ssh.shell(), ssh.subsystem('sftp'), ssh.keepalive.send(), ssh.rekey()]
}

async function readAll({ stdin }: ServerSession): Promise<void> {
  await once(stdin.resume(), 'close')
}
