/** Rows 4 and 29 of the table of failures: a peer whose kernel still acknowledges, and whose process is stopped. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Client, Command } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { network } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { assertWithin, failure } from './support/outcome.js'
import { signalConnections } from './support/signals.js'

leavesNothing()

const interval = 800
const bound = 4 * interval
const options = { keepalive: { interval, countMax: 3 } }
/** At the earliest after it was to be stopped: what it said last was said up to an interval before. */
const earliest = bound - interval - 100
/** At the latest after it was stopped, which on a busy machine is a while later. */
const latest = bound + 3000

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`sshd ${version}, stopped`, { skip, concurrency: true, timeout: 30_000 }, () => {
    test('fails commands whose input fills the socket within the bound', async (t) => {
      const server = await sshd(t, { version })
      const ssh = await login(t, server, options)
      const commands = await startReaders(ssh)
      const stoppingAt = performance.now()
      await signalConnections(server, 'SIGSTOP')
      await assertFailsFull(ssh, commands, stoppingAt)
    })

    for (const username of ['an ordinary user', 'root']) {
      // sshd has then yet to make the process that would serve the client.
      test(`is given up by a client that it has just logged in as ${username}`, async (t) => {
        const server = await sshd(t, { version })
        const ssh = await login(t, server, { ...options, ...(username === 'root' && { username }) })
        const stoppingAt = performance.now()
        await signalConnections(server, 'SIGSTOP')
        const { error, tookMs } = await failure(ssh.exec('true'))
        const endedAt = performance.now()
        assert.equal((await ssh.closed).code, 'ERR_SSH_PEER_DEAD')
        assert.equal(error.cause, await ssh.closed)
        assertWithin(tookMs, [0, latest])
        assertWithin(endedAt - stoppingAt, [earliest, Number.POSITIVE_INFINITY])
      })
    }

    test('does the same behind a network that stalls', async (t) => {
      const server = await sshd(t, { version })
      const relay = await network(t, server)
      const ssh = await login(t, server, { ...options, port: relay.port })
      const commands = await startReaders(ssh)
      const stoppingAt = performance.now()
      relay.stall()
      await assertFailsFull(ssh, commands, stoppingAt)
    })
  })
}

/** Four channels of 2 MB window each hold more than the buffers of both kernels. */
async function startReaders(ssh: Client): Promise<readonly Command[]> {
  return Promise.all([1, 2, 3, 4].map(() => ssh.spawn('sleep 30000')))
}

async function assertFailsFull(ssh: Client, commands: readonly Command[], stoppingAt: number): Promise<void> {
  // First, since the time counts from here, and to encrypt what is written takes a busy machine a while.
  const ended = commands.map(({ exited }) => failure(exited))
  const written = commands.map(({ stdin }) => failedWrite(stdin))
  const failures = await Promise.all(ended)
  assertWithin(performance.now() - stoppingAt, [earliest, Number.POSITIVE_INFINITY])
  for (const { error, tookMs } of failures) {
    assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
    assert.ok((error.evidence?.unsentBytes ?? 0) > 0, 'nothing was unsent')
    assertWithin(tookMs, [0, latest])
  }
  for (const error of await Promise.all(written)) assert.equal(error?.message, (await ssh.closed).message)
}

async function failedWrite(stdin: Command['stdin']): Promise<Error | null | undefined> {
  return new Promise((resolve) => stdin.write(Buffer.alloc(4_000_000), resolve))
}
