import assert from 'node:assert/strict'
import { leavesNothing } from '../../promises/support/leaks.js'
import { login } from '../../session/sshd.js'
import { lab, row, type Watch } from '../row.js'
import { download, sha256 } from './support/data.js'
import { boundMs, follow, keepalive, needs, type Scene, scene } from './support/scene.js'
import { whoSurvives } from './support/watched.js'

leavesNothing()

const kbits = 400
/** Eleven seconds, nearly three times the bound; in full, more than a minute. */
const size = lab.full ? 4_000_000 : 550_000
const leastMs = (8 * size) / kbits

row({
  number: 6,
  failure: 'the link is slow and full, the peer healthy',
  expected: 'Takes any packet for a sign of life, and does not even doubt the peer.',
  how: 'tbf of 400 kbit/s both ways, and a download that fills it',
  bound: 'kept: never suspect, where a verdict is due after 4 s of silence (1 s x 3)',
  code: 'none: the command ends well',
  scale: { short: '11 s of download', full: '80 s of download' },
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const made = await scene(t, { version: '9.2' })
    const ssh = await login(t, made.server, { keepalive })
    const states = follow(ssh, watch)
    await slowDown(made, watch)
    const { stdout, stderr } = await ssh.exec(download(size), { encoding: 'buffer' })
    const ms = watch.since()
    watch.outcome({ kind: 'kept', ms, text: 'the command ended well' })
    assert.equal(stdout.length, size)
    assert.equal(stderr.toString().slice(0, 64), sha256(stdout))
    assert.deepEqual(states, [])
    // The link was as slow as this row says, and the download long enough for a verdict.
    assert.ok(ms > 0.9 * leastMs && ms > 2 * boundMs, `took ${Math.round(ms)} ms`)
  },
  peers: whoSurvives({
    sshd: { version: '9.2' },
    job: { job: 'exec', command: `sleep 1; ${download(size)}` },
    watchedMs: 2 * leastMs + 20_000,
    fault: slowDown,
  }),
})

async function slowDown({ gateway }: Scene, watch: Watch): Promise<void> {
  await gateway.rate({ kbits })
  watch.fault('the link carries 400 kbit/s, and is full')
}
