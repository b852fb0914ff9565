import assert from 'node:assert/strict'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { written } from '../../promises/support/pending.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { login } from '../../session/sshd.js'
import { row, type Watch } from '../row.js'
import { keepalive, needs, type Scene, scene, slackMs } from './support/scene.js'
import { whoReports } from './support/watched.js'

leavesNothing()

const command = 'sleep 3000'
/** The limit `close`. */
const closeMs = 2000
/** At once, for a busy machine. */
const atOnceMs = 1000

row({
  number: 26,
  failure: 'close() on a dead peer',
  expected:
    'Rejects at once what waits, and ends the connection within a limit of its own, however often it is called.',
  how: 'every packet is dropped, both ways, under commands and a write; then close(), twice (ssh2: end())',
  bound: 'closed after 2 s, the default of the limit `close`',
  code: 'ERR_SSH_CLOSED',
  needs: needs('10'),
  async holdfast(t, watch) {
    const made = await scene(t, { version: '10' })
    const { host, port } = made.server
    const ssh = await login(t, made.server, { keepalive })
    const running = await ssh.spawn(command)
    await vanish(made, watch)
    const write = failure(written(running, Buffer.alloc(8_000_000)))
    const calls = [running.exited, ssh.exec('true'), ssh.exec('cat', { stdin: 'x' }), ssh.shell()].map(failure)
    await Promise.all([ssh.close(), ssh.close({ timeout: '20s' })])
    const ms = watch.since()
    watch.outcome({ kind: 'ended', ms, text: 'closed' })
    // A peer that is there has the whole limit to take what was written, and to say goodbye.
    assertWithin(ms, [closeMs, closeMs + slackMs])
    assert.deepEqual(await socketsTo(port, host), [])
    const reason = await ssh.closed
    assert.deepEqual([reason.code, reason.phase], ['ERR_SSH_CLOSED', 'close'])
    for (const { error, waitedMs } of await Promise.all(calls)) {
      assert.ok(error === reason || error.cause === reason, String(error))
      assertWithin(waitedMs, [0, atOnceMs])
    }
    const { error, tookMs } = await write
    assert.equal(error, reason)
    assertWithin(tookMs, [0, closeMs + slackMs])
  },
  peers: {
    ...whoReports({
      sshd: { version: '10' },
      job: { job: 'exec', command },
      async fault(made, watch, peer) {
        await vanish(made, watch)
        peer.do({ step: 'end' })
      },
    }),
    openssh: 'a person ends it by a signal or by ~., which ask the server for nothing',
  },
})

async function vanish({ gateway }: Scene, watch: Watch): Promise<void> {
  await gateway.drop({ direction: 'both' })
  watch.fault('the peer vanishes, and the connection is closed')
}
