import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import type { SshdOptions } from '../../servers/sshd.js'
import { login } from '../../session/sshd.js'
import type { Gateway } from '../network/gateway.js'
import { lab, row, type Watch } from '../row.js'
import { download, sha256 } from './support/data.js'
import { follow, keepalive, needs, scene } from './support/scene.js'
import { whoSurvives } from './support/watched.js'

leavesNothing()

const kbits = 400
const bytesPerSecond = (1000 * kbits) / 8
const size = bytesPerSecond * (lab.full ? 80 : 15)
/** What waits in line behind a download is answered later than these; in full they are as they come. */
const limitMs = lab.full ? 15_000 : 3000
const limits = lab.full ? {} : { channelOpen: limitMs, reply: limitMs, sftp: limitMs, rekey: limitMs }
const renewing = { RekeyLimit: 'default 5s' }

row({
  number: 48,
  failure: 'a call on a link that is full, and healthy',
  expected:
    'Answers it late, and rejects nothing: the limits of replies stand still while what is ahead of them comes in.',
  how: 'tbf of 400 kbit/s both ways; exec, SFTP and a rekey beside a download and beside an upload, also with RekeyLimit default 5s',
  bound: 'kept: at most ten times a limit, while other traffic comes in',
  code: 'none: the commands end well',
  scale: { short: 'transfers of 15 s, limits of 3 s', full: 'transfers of 80 s, the limits as they come, 15 s' },
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    watch.fault('the link is full')
    const times = await Promise.all([
      beside(t, { version: '9.2' }, downloadAll, watch),
      beside(t, { version: '10' }, uploadAll),
      beside(t, { version: '9.2', config: renewing }, uploadAll),
      beside(t, { version: '10', config: renewing }, downloadAll),
    ])
    const slowest = Math.round(Math.max(...times) / 1000)
    watch.outcome({ kind: 'kept', text: `the slowest answer came after ${slowest} s` })
    assert.ok(slowest >= 3, 'no answer had to wait: the link was not full')
  },
  peers: {
    ...whoSurvives({
      sshd: { version: '9.2' },
      job: { job: 'exec', command: `sleep 1; ${download(size)}` },
      watchedMs: (16_000 * size) / bytesPerSecond,
      async fault({ gateway }, watch, peer) {
        await gateway.rate({ kbits })
        watch.fault('the link is full')
        await untilFull(gateway, 'toClient')
        peer.do({ step: 'exec', command: 'echo here' })
      },
    }),
    openssh: 'runs one command a connection',
  },
})

interface Transfer {
  readonly direction: 'toServer' | 'toClient'
  readonly run: (ssh: Client) => Promise<void>
}

const downloadAll: Transfer = {
  direction: 'toClient',
  async run(ssh) {
    const { stdout, stderr } = await ssh.exec(download(size), { encoding: 'buffer' })
    assert.equal(stdout.length, size)
    assert.equal(stderr.toString().slice(0, 64), sha256(stdout))
  },
}

const uploadAll: Transfer = {
  direction: 'toServer',
  async run(ssh) {
    const data = randomBytes(size)
    assert.equal((await ssh.exec('sha256sum', { stdin: data })).stdout.slice(0, 64), sha256(data))
  },
}

/** @returns how long the answer took */
async function beside(t: TestContext, sshd: SshdOptions, transfer: Transfer, watch?: Watch): Promise<number> {
  const { gateway, server } = await scene(t, sshd)
  const ssh = await login(t, server, { keepalive, limits })
  const states = follow(ssh, watch)
  const sftp = await ssh.sftp()
  await gateway.rate({ kbits })
  const running = transfer.run(ssh)
  await untilFull(gateway, transfer.direction)
  const since = performance.now()
  const [{ stdout }, stats, another] = await Promise.all([
    ssh.exec('echo here'),
    sftp.stat('/etc'),
    ssh.sftp(),
    ssh.rekey(),
  ])
  const tookMs = performance.now() - since
  assertWithin(tookMs, [0, 10 * limitMs])
  assert.equal(stdout, 'here\n')
  assert.ok(stats.isDirectory())
  await Promise.all([sftp.close(), another.close(), running])
  assert.deepEqual(
    states.filter((state) => state === 'dead'),
    [],
  )
  const { keyExchanges } = ssh.stats()
  t.diagnostic(
    `${sshd.version} ${transfer.direction}: ${Math.round(tookMs)} ms, ${keyExchanges} key exchanges, ${states.join(' ')}`,
  )
  return tookMs
}

async function untilFull(gateway: Gateway, direction: Transfer['direction']): Promise<void> {
  while ((await gateway.passed())[direction] < bytesPerSecond) await pause(100)
}
