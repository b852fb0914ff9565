import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { connect } from 'holdfast'
import { countBusy } from '../../promises/support/busy.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { prepareSshd, type SshdServer } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'
import { lab, noteSettled, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const limitMs = lab.full ? 10_000 : 2000

row({
  number: 9,
  failure: 'the listener is stopped: TCP connects, no banner comes',
  expected: 'Bounds the whole handshake, and says at which step of it the server was silent.',
  how: 'SIGSTOP to the sshd that listens; its kernel accepts',
  bound: 'reported within 10 s, the default of the limit `identification`',
  code: 'ERR_SSH_TIMEOUT',
  scale: { short: 'with the limit at 2 s', full: 'with the default limit' },
  needs: () => prepareSshd('9.2'),
  async holdfast(t, watch) {
    const { host, port, username, password } = await stoppedListener(t)
    watch.fault('a connection to the listener that is stopped')
    const busyMs = countBusy()
    const limits = lab.full ? {} : { identification: limitMs }
    const { error, tookMs } = await failure(
      connect({ host, port, username, password, hostKey: { policy: 'off' }, limits }),
    )
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'no identification came' })
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs, error.host],
      ['ERR_SSH_TIMEOUT', 'identification', 'identification', limitMs, `${host}:${port}`],
    )
    assertWithin(tookMs, [limitMs, limitMs + busyMs() + 1500])
    assert.deepEqual(await socketsTo(port), [])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await stoppedListener(t)
  watch.fault('a connection to the listener that is stopped')
  noteSettled(watch, await client.start(server, { job: 'idle' }).settled(30_000), 30_000)
}

async function stoppedListener(t: TestContext): Promise<SshdServer> {
  const server = await sshd(t, { version: '9.2' })
  process.kill(server.pid, 'SIGSTOP')
  return server
}
