import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { pendingOn } from '../../promises/support/pending.js'
import { signalConnections } from '../../promises/support/signals.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { prepareSshd, type SshdServer } from '../../servers/sshd.js'
import { login, sshd } from '../../session/sshd.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const interval = 1000
const bound = 4 * interval
/** From the stop on: what the peer said last was said up to an interval before. */
const due = [bound - interval - 100, bound + 3000] as const
const command = 'sleep 30000'

row({
  number: 8,
  failure: 'the process of the peer is stopped, its kernel still acknowledges',
  expected: 'Asks the process itself: only an answer on the level of SSH proves that it is alive.',
  how: 'SIGSTOP to the sshd that serves the session, while a command runs',
  bound: 'reported within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_PEER_DEAD',
  needs: () => prepareSshd('9.2'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '9.2' })
    const ssh = await login(t, server, { keepalive: { interval, countMax: 3 } })
    ssh.on('liveness', ({ to }) => watch.event(to))
    const running = await ssh.spawn(command)
    await stop(server, watch)
    const pending = [...pendingOn(ssh, running), ssh.keepalive.send()].map(failure)
    const reason = await ssh.closed
    const tookMs = watch.since()
    watch.outcome({ kind: 'reported', ms: tookMs, text: reason.code })
    assert.deepEqual(
      [reason.code, reason.phase, reason.host],
      ['ERR_SSH_PEER_DEAD', 'ready', `${server.host}:${server.port}`],
    )
    assertWithin(tookMs, due)
    const { lastHeardMs, probesUnanswered, probesSent, rttMs } = reason.evidence ?? assert.fail('without evidence')
    assert.ok(lastHeardMs !== null && lastHeardMs >= bound, `last heard ${lastHeardMs} ms ago`)
    assert.ok(probesUnanswered >= 3 && probesSent >= 4 && rttMs !== null)
    for (const { error, tookMs: pendingMs } of await Promise.all(pending)) {
      assert.ok(error === reason || error.cause === reason, String(error))
      assertWithin(pendingMs, due)
    }
    assert.deepEqual(await socketsTo(server.port), [])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '9.2' })
  const peer = client.start(server, { job: 'exec', command })
  await peer.event('ready', 10_000)
  await stop(server, watch)
  noteSettled(watch, await peer.settled(20_000), 20_000)
}

async function stop(server: SshdServer, watch: Watch): Promise<void> {
  await untilCommandRuns(server, command)
  await signalConnections(server, 'SIGSTOP')
  watch.fault('the process of the peer stops')
}
