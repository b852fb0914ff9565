/** Row 24 of the table of failures: output that comes after the exit is known, and what may hold it up. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ServerSession } from 'holdfast/testing'
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
    const upload = ssh.exec('listen', { stdin: Buffer.alloc(1_200_000) })
    await pause(200)
    const { stdout, outputOpen } = await ssh.exec('talk')
    assert.deepEqual([stdout.length, outputOpen], [5_000_000, false])
    await upload
  })

  test('that never ends is given up after two seconds of silence', async (t) => {
    const ssh = await client(t, await server(t))
    const { stdout, exitCode, outputOpen, durationMs } = await ssh.exec('sleep 20 & echo hi')
    assert.deepEqual([stdout, exitCode, outputOpen], ['hi\n', 0, true])
    assertWithin(durationMs, [2000, 6000])
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

async function talksOrListens(session: ServerSession): Promise<void> {
  if (session.command === 'listen') {
    for await (const chunk of session.stdin) void chunk
    return
  }
  session.exit(0)
  await new Promise((resolve) => session.stdout.write(Buffer.alloc(5_000_000), resolve))
}
