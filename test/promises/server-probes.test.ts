/** Row 49 of the table of failures: a server that probes us is answered at once, whatever is paused or queued here. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd, type SshdVersion } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { leavesNothing } from './support/leaks.js'

leavesNothing()

/** Given up by the server after 3 s without an answer. */
const config = { ClientAliveInterval: 1, ClientAliveCountMax: 3 }

const skips = { '9.2': skipReason(await prepareSshd('9.2')), '10': skipReason(await prepareSshd('10')) }

describe('a server that probes:', { concurrency: true, timeout: 60_000 }, () => {
  for (const version of ['9.2', '10'] as const) {
    describe(`sshd ${version}`, { skip: skips[version], concurrency: true }, () => {
      test('is answered while our program reads no output', async (t) => {
        const ssh = await probedClient(t, version)
        const command = await ssh.spawn('head -c 9000000 /dev/zero')
        await pause(5500)
        let bytes = 0
        for await (const chunk of command.stdout as AsyncIterable<Buffer>) bytes += chunk.length
        assert.equal(bytes, 9_000_000)
        assert.equal((await command.exited).exitCode, 0)
      })

      test('is answered while 20 MB go up to a slow reader', async (t) => {
        const ssh = await probedClient(t, version)
        const data = randomBytes(20_000_000)
        const slowReader = 'for i in 1 2 3 4 5; do head -c 4000000; sleep 1; done | sha256sum'
        const { stdout } = await ssh.exec(slowReader, { stdin: data })
        assert.equal(stdout.slice(0, 64), createHash('sha256').update(data).digest('hex'))
      })

      test('is answered while a command reads no input at all', async (t) => {
        const ssh = await probedClient(t, version)
        assert.equal((await ssh.exec('sleep 6; echo done', { stdin: Buffer.alloc(20_000_000) })).stdout, 'done\n')
      })
    })
  }
})

async function probedClient(t: TestContext, version: SshdVersion): Promise<Client> {
  return login(t, await sshd(t, { version, config }), { keepalive: { interval: '1s', countMax: 3 } })
}
