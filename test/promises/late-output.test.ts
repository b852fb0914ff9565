/** Row 24 of the table of failures: output that comes after the exit is known, and what may hold it up. */
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ServerSession } from 'holdfast/testing'
import { eventually } from '../testing/support/eventually.js'
import { countBusy } from './support/busy.js'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { assertWithin } from './support/outcome.js'

leavesNothing()

const keepalive = { interval: '1s', countMax: 10 }

describe('output after the exit', { concurrency: true, timeout: 30_000 }, () => {
  test('that an outage holds up is waited for', async (t) => {
    const relay = await network(t, await server(t, { exec: (session) => exitsFirst(session, () => relay.stall()) }))
    const ssh = await client(t, relay, { keepalive })
    setTimeout(() => relay.heal(), 5000)
    const { stdout, exitCode, outputOpen } = await ssh.exec('anything')
    assert.deepEqual([stdout, exitCode, outputOpen], ['before after', 0, false])
  })

  test('that waits for a window which stands behind an upload is waited for', async (t) => {
    const relay = await network(t, await server(t, { exec: talksOrListens }))
    const ssh = await client(t, relay, { keepalive })
    relay.rate({ bytesPerSecond: 200_000, direction: 'toServer' })
    const before = relay.stats().passed.toServer
    const upload = ssh.exec('listen', { stdin: Buffer.alloc(1_200_000) })
    await eventually('the upload is under way', () => relay.stats().passed.toServer > before + 40_000)
    const { stdout, outputOpen } = await ssh.exec('talk')
    assert.deepEqual([stdout.length, outputOpen], [5_000_000, false])
    await upload
  })

  for (const how of ['close', 'reset'] as const) {
    test(`that came whole can be read after the end of the connection (${how})`, async (t) => {
      const relay = await network(t, await server(t, { exec: (session) => writesThenEnds(session, relaySlows) }))
      const relaySlows = async () => {
        await eventually('the output has passed', () => relay.stats().passed.toClient > before + 100_000)
        // A second between EOF, which ends the command, and CLOSE: they are not to be read at once where the machine is busy.
        relay.rate({ bytesPerSecond: 50 })
      }
      const ssh = await client(t, relay)
      const before = relay.stats().passed.toClient
      const command = await ssh.spawn('anything')
      assert.equal((await command.exited).exitCode, 0)
      // Its last packet, the CLOSE, is still on its way.
      assert.equal(ssh.stats().channels.length, 1)
      if (how === 'close') void ssh.close()
      else relay.reset()
      await ssh.closed
      assert.equal((await text(command.stdout)).length, 100_000)
    })
  }

  test('that never ends is given up after two seconds of silence', async (t) => {
    const ssh = await client(t, await server(t))
    const busyMs = countBusy()
    const { stdout, exitCode, outputOpen, durationMs } = await ssh.exec('sleep 20 & echo hi')
    assert.deepEqual([stdout, exitCode, outputOpen], ['hi\n', 0, true])
    assertWithin(durationMs, [2000, 6000 + busyMs()])
  })

  test('that never ends is given up also by a client without keepalive', async (t) => {
    const ssh = await client(t, await server(t), { keepalive: false })
    assert.equal((await ssh.exec('sleep 20 & echo hi')).outputOpen, true)
  })
})

async function exitsFirst(session: ServerSession, between: () => void): Promise<void> {
  session.stdout.write('before ')
  session.exit(0)
  setTimeout(between, 100)
  await pause(300)
  session.stdout.write('after')
}

async function writesThenEnds({ stdout }: ServerSession, between: () => Promise<void>): Promise<void> {
  await new Promise((resolve) => stdout.write(Buffer.alloc(100_000, 'x'), resolve))
  await between()
}

async function talksOrListens(session: ServerSession): Promise<void> {
  if (session.command === 'listen') {
    for await (const chunk of session.stdin) void chunk
    return
  }
  session.exit(0)
  await new Promise((resolve) => session.stdout.write(Buffer.alloc(5_000_000), resolve))
}
