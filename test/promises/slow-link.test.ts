/** Rows 6 and 48 of the table of failures: a link of 400 kbit/s that is full, with a keepalive of 1 s x 3. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import type { Client, LivenessState } from 'holdfast'
import type { BadNetwork } from 'holdfast/testing'
import { skipReason } from '../servers/availability.js'
import { prepareSshd, type SshdConfig, type SshdVersion } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { eventually } from '../testing/support/eventually.js'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'

leavesNothing()

const keepalive = { interval: '1s', countMax: 3 }
const bytesPerSecond = 50_000
/** Eleven seconds, nearly three times the bound. */
const size = 550_000
/** What waits in line behind the download is answered long after these. */
const limits = { channelOpen: '4s', reply: '4s' }

const skips = { '9.2': skipReason(await prepareSshd('9.2')), '10': skipReason(await prepareSshd('10')) }

describe('at 400 kbit/s', { concurrency: true, timeout: 60_000 }, () => {
  for (const version of ['9.2', '10'] as const) {
    describe(`sshd ${version}`, { skip: skips[version], concurrency: true }, () => {
      test('is downloaded from, and answers a command meanwhile', async (t) => {
        const slow = await slowLogin(t, version)
        const { ssh, states } = slow
        const since = performance.now()
        const download = ssh.exec(`head -c ${size} /dev/urandom | tee >(sha256sum >&2)`, { encoding: 'buffer' })
        const { beside, besideMs } = await execBeside(slow, 'toClient')
        const { stdout, stderr } = await download
        assert.equal(stdout.length, size)
        assert.equal(stderr.toString().slice(0, 64), sha256(stdout))
        assert.equal(beside, 'here\n')
        report(t, { downloadMs: performance.now() - since, besideMs, states })
      })

      test('is uploaded to, and answers a command meanwhile', async (t) => {
        const slow = await slowLogin(t, version)
        const { ssh, states } = slow
        const since = performance.now()
        const data = randomBytes(size)
        const upload = ssh.exec('sha256sum', { stdin: data })
        const { beside, besideMs } = await execBeside(slow, 'toServer')
        const { stdout } = await upload
        assert.equal(stdout.slice(0, 64), sha256(data))
        assert.equal(beside, 'here\n')
        report(t, { uploadMs: performance.now() - since, besideMs, states })
      })
    })
  }

  test('a server that asks for new keys on the way is answered in time', { skip: skips['9.2'] }, async (t) => {
    const slow = await slowLogin(t, '9.2', { RekeyLimit: 'default 3s' })
    const { ssh } = slow
    const data = randomBytes(size)
    const upload = ssh.exec('sha256sum', { stdin: data })
    const { beside, besideMs } = await execBeside(slow, 'toServer')
    assert.equal(beside, 'here\n')
    assert.equal((await upload).stdout.slice(0, 64), sha256(data))
    const { keyExchanges } = ssh.stats()
    assert.ok(keyExchanges > 1)
    report(t, { besideMs, keyExchanges })
  })

  test('a server of our own is uploaded to', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay, { keepalive })
    relay.rate({ bytesPerSecond })
    const { stdout } = await ssh.exec('wc -c', { stdin: Buffer.alloc(size) })
    assert.equal(Number(stdout), size)
  })
})

interface SlowLogin {
  readonly ssh: Client
  readonly relay: BadNetwork
  readonly states: LivenessState[]
}

async function slowLogin(t: TestContext, version: SshdVersion, config: SshdConfig = {}): Promise<SlowLogin> {
  const started = await sshd(t, { version, config })
  const relay = await network(t, started)
  const ssh = await login(t, started, { port: relay.port, limits, keepalive })
  const states: LivenessState[] = []
  ssh.on('liveness', ({ to }) => states.push(to))
  relay.rate({ bytesPerSecond })
  return { ssh, relay, states }
}

/** @param way of the transfer beside which it runs */
async function execBeside(
  { ssh, relay }: SlowLogin,
  way: 'toClient' | 'toServer',
): Promise<{ beside: string; besideMs: number }> {
  const before = relay.stats().passed[way]
  await eventually('the transfer is under way', () => relay.stats().passed[way] > before + bytesPerSecond / 2)
  const since = performance.now()
  const { stdout } = await ssh.exec('echo here')
  return { beside: stdout, besideMs: performance.now() - since }
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function report(t: TestContext, measured: object): void {
  t.diagnostic(JSON.stringify(measured))
}
