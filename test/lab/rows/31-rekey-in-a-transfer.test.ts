import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import type { SshdOptions } from '../../servers/sshd.js'
import { login } from '../../session/sshd.js'
import { lab, row, type Watch } from '../row.js'
import { download, sha256 } from './support/data.js'
import { follow, keepalive, needs, scene } from './support/scene.js'
import { whoSurvives } from './support/watched.js'

leavesNothing()

const often = (lab.full ? 16 : 4) * 1_000_000
/** Eight seconds at 8 Mbit/s, or more. */
const long = 2 * often
const byBytes: SshdOptions = { version: '9.2', config: { RekeyLimit: '256K' } }
const byTime: SshdOptions = { version: '10', config: { RekeyLimit: 'default 5s' } }

row({
  number: 31,
  failure: 'the server changes keys in the middle of a transfer',
  expected: 'Lets data wait while keys are exchanged, and loses none of it.',
  how: 'RekeyLimit 256K, and default 5s on a link of 8 Mbit/s, under an upload beside a download',
  bound: 'kept: every byte, both ways, through dozens of key exchanges',
  code: 'none: the commands end well',
  scale: { short: '4 MB each way', full: '16 MB each way' },
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    watch.fault('the transfers begin')
    const transfers = [
      transfer(t, byBytes, { size: often, watch }),
      transfer(t, byTime, { size: long, kbits: 8000 }),
    ] as const
    // Where the first fails, what the second is still to start would outlast the test.
    await Promise.allSettled(transfers)
    const [exchanges] = await Promise.all(transfers)
    watch.outcome({ kind: 'kept', text: `every byte came, through ${exchanges} key exchanges` })
    assert.ok(exchanges > often / 512_000, `${exchanges} key exchanges`)
  },
  peers: whoSurvives({
    sshd: byBytes,
    job: { job: 'exec', command: 'cat', stdin: often },
    watchedMs: lab.full ? 200_000 : 80_000,
    async fault(_scene, watch) {
      watch.fault('the transfers begin')
    },
  }),
})

/** @returns how often keys were exchanged */
async function transfer(
  t: TestContext,
  sshd: SshdOptions,
  { size, kbits, watch }: { readonly size: number; readonly kbits?: number; readonly watch?: Watch },
): Promise<number> {
  const { gateway, server } = await scene(t, sshd)
  if (kbits !== undefined) await gateway.rate({ kbits })
  const ssh = await login(t, server, { keepalive })
  const states = follow(ssh, watch)
  const data = randomBytes(size)
  const [up, down] = await Promise.all([
    ssh.exec('sha256sum', { stdin: data }),
    ssh.exec(download(size), { encoding: 'buffer' }),
  ])
  assert.equal(up.stdout.slice(0, 64), sha256(data))
  assert.equal(down.stdout.length, size)
  assert.equal(down.stderr.toString().slice(0, 64), sha256(down.stdout))
  assert.deepEqual(states, [])
  const { keyExchanges } = ssh.stats()
  assert.ok(keyExchanges > 1, `${keyExchanges} key exchange`)
  return keyExchanges
}
