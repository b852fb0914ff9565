import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { pendingOn } from '../../promises/support/pending.js'
import { signalConnections } from '../../promises/support/signals.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, sshd } from '../../session/sshd.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

row({
  number: 28,
  failure: 'the sshd of the session is killed',
  expected: 'Everything that is pending fails at once, with one cause; the keepalive has no part in it.',
  how: 'SIGKILL to the processes of sshd that serve the connection',
  bound: 'reported within 1 s',
  code: 'ERR_SSH_CONNECTION_LOST',
  needs: () => prepareSshd('10'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '10' })
    const ssh = await login(t, server, { keepalive: { interval: '15s' } })
    const command = await ssh.spawn('sleep 3000')
    await untilCommandRuns(server, 'sleep 3000')
    let settled = 0
    const pending = pendingOn(ssh, command).map((promise) => failure(promise.finally(() => settled++)))
    await pause(1000)
    assert.equal(settled, 0)
    // To find the process takes a busy machine longer than the client may take.
    await signalConnections(server, 'SIGKILL')
    watch.fault('the sshd of the session is killed')
    const since = performance.now()
    const reason = await ssh.closed
    const tookMs = performance.now() - since
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'everything pending failed with one cause' })
    assert.deepEqual([reason.code, reason.phase], ['ERR_SSH_CONNECTION_LOST', 'ready'])
    assertWithin(tookMs, [0, 1000])
    for (const { error } of await Promise.all(pending)) {
      assert.ok(error === reason || error.cause === reason, String(error))
    }
    assertWithin(performance.now() - since, [0, 1000])
    for (const stream of [command.stdin, command.stdout, command.stderr]) assert.equal(stream.errored, reason)
    assert.deepEqual(await socketsTo(server.port), [])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '10' })
  const peer = client.start(server, { job: 'exec', command: 'sleep 3000' })
  await untilCommandRuns(server, 'sleep 3000')
  await pause(1000)
  watch.fault('the sshd of the session is killed')
  await signalConnections(server, 'SIGKILL')
  noteSettled(watch, await peer.settled(20_000), 20_000)
}
