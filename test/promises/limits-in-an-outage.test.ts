/** Promises 4 and 5 where the peer is gone: limits, aborts and disposal settle in their time, long before the verdict. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { CommandError } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { heldClock } from '../session/held-clock.js'
import { login, sshd } from '../session/sshd.js'
import { eventually } from '../testing/support/eventually.js'
import { countBusy } from './support/busy.js'
import { client, network, runForEver, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { assertWithin, failure } from './support/outcome.js'

leavesNothing()

/** From a limit on, a command that cannot be ended is given up after 3 s. */
const endingMs = 3000
const slackMs = 2000
const clock = heldClock()
const skip = skipReason(await prepareSshd('9.2'))

const limits = {
  timeout: { timeout: 400 },
  idleTimeout: { idleTimeout: 400 },
  firstByteTimeout: { firstByteTimeout: 400 },
}

describe('behind a network that is out', { concurrency: 4, timeout: 60_000 }, () => {
  for (const [limit, options] of Object.entries(limits)) {
    test(`a command ends at its limit ${limit}`, async (t) => {
      const relay = await network(t, await server(t, { exec: runForEver }))
      const ssh = await client(t, relay)
      const busyMs = countBusy()
      const { exited } = await clock.holdAfter(0, () => ssh.spawn('anything', options))
      relay.cut()
      const { error } = await failure(exited)
      assert.ok(error instanceof CommandError)
      assert.deepEqual([error.limit, error.limitMs, error.remote], [limit, 400, 'abandoned'])
      assertWithin(error.durationMs, [395, 400 + endingMs + slackMs + busyMs()])
      assert.equal(ssh.liveness.state, 'alive')
    })
  }

  test('a command ends when its signal aborts, and one that is disposed of does too', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay)
    const running = await ssh.spawn('sleep 60')
    relay.cut()
    const busyMs = countBusy()
    const calledAt = performance.now()
    const { error } = await failure(ssh.exec('sleep 60', { signal: AbortSignal.timeout(300) }))
    const abortedAt = performance.now()
    assert.equal(error.name, 'AbortError')
    assertWithin(abortedAt - calledAt, [290, 300 + endingMs + slackMs + busyMs()])
    await running[Symbol.asyncDispose]()
    assertWithin(performance.now() - abortedAt, [0, endingMs + slackMs + busyMs()])
    await ssh.close({ timeout: 200 })
  })

  test('a thousand commands fail with the verdict', async (t) => {
    const sshServer = await server(t, { maxSessions: 5 })
    const relay = await network(t, sshServer)
    const ssh = await client(t, relay, { keepalive: { interval: 500, countMax: 2 } })
    const busyMs = countBusy()
    const commands = Array.from({ length: 1000 }, () => failure(ssh.exec('sleep 60')))
    await eventually('the first of them run', () => sshServer.processes().length === 5)
    relay.cut()
    for (const { error, tookMs } of await Promise.all(commands)) {
      assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
      assertWithin(tookMs, [1000, 6000 + busyMs()])
    }
  })
})

describe('a client', { concurrency: true, timeout: 30_000 }, () => {
  test('is closed at once while an unread download runs', { skip }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '9.2' }), { limits: { close: '20s' } })
    const command = await ssh.spawn('cat /dev/zero')
    await once(command.stdout, 'readable')
    const [since, busyMs] = [performance.now(), countBusy()]
    await ssh.close()
    assertWithin(performance.now() - since, [0, 10_000 + busyMs()])
    assert.equal((await failure(command.exited)).error.code, 'ERR_SSH_CLOSED')
  })

  test('may be used by its own listeners', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay, { keepalive: { interval: 300, countMax: 2 } })
    const late: Promise<unknown>[] = []
    ssh.on('liveness', ({ to }) => {
      if (to === 'suspect') late.push(failure(ssh.exec('true')), ssh.close({ timeout: 200 }))
    })
    ssh.on('close', () => late.push(failure(ssh.exec('true')), ssh.close()))
    relay.cut()
    assert.equal((await ssh.closed).code, 'ERR_SSH_CLOSED')
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(late.length, 4)
    await Promise.all(late)
  })

  test('lets go of the input of a command that was never started', async (t) => {
    const ssh = await client(t, await server(t, { maxSessions: 0 }))
    const stdin = new Readable({ read: () => {} })
    const letGo = new Promise((resolve) => stdin.once('close', resolve))
    assert.equal((await failure(ssh.exec('cat', { stdin }))).error.code, 'ERR_SSH_CHANNEL_OPEN')
    await letGo
  })
})
