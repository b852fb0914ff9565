/** Rows 4, 8 and 29 of the table of failures: a peer whose kernel still acknowledges, and whose process is stopped. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Client, Command } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { untilCommandRuns } from '../servers/remote-command.js'
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
/** From when the peer stopped: what it said last was said up to an interval before. */
const due = [bound - interval - 100, bound + 3000] as const

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`sshd ${version}, stopped`, { skip, concurrency: true, timeout: 30_000 }, () => {
    test('fails a command without any limit within the bound, and says what was seen', async (t) => {
      const server = await sshd(t, { version })
      const ssh = await login(t, server, options)
      const command = ssh.exec('sleep 30000')
      await untilCommandRuns(server, 'sleep 30000')
      await signalConnections(server, 'SIGSTOP')
      const { error, tookMs } = await failure(command)
      assert.deepEqual(
        [error.code, error.phase, error.host],
        ['ERR_SSH_PEER_DEAD', 'ready', `127.0.0.1:${server.port}`],
      )
      assertWithin(tookMs, due)
      const { lastHeardMs, probesUnanswered, probesSent, rttMs, unsentBytes, loopBlockedMs } =
        error.evidence ?? assert.fail()
      assert.ok(lastHeardMs !== null && lastHeardMs >= bound, `last heard ${lastHeardMs} ms ago`)
      assert.ok(probesUnanswered >= 3 && probesSent >= 4 && rttMs !== null)
      assert.equal(unsentBytes, 0)
      assert.ok(loopBlockedMs < bound)
      assert.equal((await ssh.closed).code, 'ERR_SSH_PEER_DEAD')
    })

    test('fails commands whose input fills the socket within the same bound', async (t) => {
      const server = await sshd(t, { version })
      const ssh = await login(t, server, options)
      const commands = await startReaders(ssh)
      await signalConnections(server, 'SIGSTOP')
      await assertFailsFull(ssh, commands)
    })

    test('does the same behind a network that stalls', async (t) => {
      const server = await sshd(t, { version })
      const relay = await network(t, server)
      const ssh = await login(t, server, { ...options, port: relay.port })
      const commands = await startReaders(ssh)
      relay.stall()
      await assertFailsFull(ssh, commands)
    })
  })
}

/** Four channels of 2 MB window each hold more than the buffers of both kernels. */
async function startReaders(ssh: Client): Promise<readonly Command[]> {
  return Promise.all([1, 2, 3, 4].map(() => ssh.spawn('sleep 30000')))
}

async function assertFailsFull(ssh: Client, commands: readonly Command[]): Promise<void> {
  const written = commands.map(({ stdin }) => failedWrite(stdin))
  const ended = commands.map(({ exited }) => failure(exited))
  for (const { error, tookMs } of await Promise.all(ended)) {
    assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
    assert.ok((error.evidence?.unsentBytes ?? 0) > 0, 'nothing was unsent')
    assertWithin(tookMs, due)
  }
  for (const error of await Promise.all(written)) assert.equal(error?.message, (await ssh.closed).message)
}

async function failedWrite(stdin: Command['stdin']): Promise<Error | null | undefined> {
  return new Promise((resolve) => stdin.write(Buffer.alloc(4_000_000), resolve))
}
