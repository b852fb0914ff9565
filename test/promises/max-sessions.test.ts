/** Row 45 of the table of failures: a server that allows one session at a time. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { CommandError } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { assertWithin, failure } from './support/outcome.js'

leavesNothing()

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`sshd ${version} with MaxSessions 1`, { skip, concurrency: true, timeout: 30_000 }, () => {
    test('makes a second command wait within its limit, and that one alone fails', async (t) => {
      const ssh = await login(t, await sshd(t, { version, config: { MaxSessions: 1 } }), {
        limits: { channelOpen: 700 },
      })
      const first = await ssh.spawn('cat')
      const { error } = await failure(ssh.exec('true'))
      assert.ok(error instanceof CommandError)
      assert.deepEqual([error.code, error.limit, error.remote], ['ERR_SSH_TIMEOUT', 'channelOpen', 'not-started'])
      assertWithin(error.elapsedMs ?? 0, [700, 3000])
      const limited = await failure(ssh.exec('true', { timeout: 300 }))
      assert.equal(limited.error.limit, 'timeout')
      first.stdin.end()
      assert.equal((await first.exited).exitCode, 0)
      assert.equal((await ssh.exec('echo next')).stdout, 'next\n')
    })

    test('lets those that wait follow one another, in order', async (t) => {
      const ssh = await login(t, await sshd(t, { version, config: { MaxSessions: 1 } }))
      const order: number[] = []
      await Promise.all([1, 2, 3, 4, 5].map((number) => ssh.exec('sleep 0.1').then(() => order.push(number))))
      assert.deepEqual(order, [1, 2, 3, 4, 5])
    })
  })
}

test('a call that gives up while it opens its session leaves the place to the next', { timeout: 30_000 }, async (t) => {
  const relay = await network(t, await server(t, { maxSessions: 1 }))
  const ssh = await client(t, relay)
  const first = await ssh.spawn('cat')
  relay.delay({ ms: 150 })
  const abort = new AbortController()
  const second = failure(ssh.exec('echo second', { signal: abort.signal }))
  const third = ssh.exec('echo third')
  await pause(600)
  first.stdin.end()
  await first.exited
  // The second is now asking for the session that the first has left.
  await pause(250)
  abort.abort()
  assert.equal((await second).error.name, 'AbortError')
  const since = performance.now()
  assert.equal((await third).stdout, 'third\n')
  assert.ok(performance.now() - since < 5000)
})
