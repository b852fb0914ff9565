import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { connect } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { listener } from '../../promises/support/listener.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { lab, noteSettled, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const limitMs = lab.full ? 10_000 : 2000

row({
  number: 10,
  failure: 'a service that says nothing is on the port',
  expected: 'The same: what waits for its first word is bounded.',
  how: 'a port that accepts and is silent',
  bound: 'reported within 10 s, the default of the limit `identification`',
  code: 'ERR_SSH_TIMEOUT',
  scale: { short: 'with the limit at 2 s', full: 'with the default limit' },
  needs: async () => ({ available: true }),
  async holdfast(t, watch) {
    const { port, sockets } = await listener(t)
    watch.fault('a connection to the silent port')
    const limits = lab.full ? {} : { identification: limitMs }
    const { error, tookMs } = await failure(connect(`deploy@127.0.0.1:${port}`, { password: 'secret', limits }))
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'no identification came' })
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs, error.host],
      ['ERR_SSH_TIMEOUT', 'identification', 'identification', limitMs, `127.0.0.1:${port}`],
    )
    assertWithin(tookMs, [limitMs, limitMs + 1500])
    const [socket] = sockets
    assert.ok(socket !== undefined && sockets.length === 1)
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const { port } = await listener(t)
  watch.fault('a connection to the silent port')
  const target = { host: '127.0.0.1', port, username: 'deploy', password: 'secret' }
  noteSettled(watch, await client.start(target, { job: 'idle' }).settled(30_000), 30_000)
}
