import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { signalConnections } from '../../promises/support/signals.js'
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
    const running = ssh.exec(command)
    await stop(server, watch)
    const { error, tookMs } = await failure(running)
    watch.outcome({ kind: 'reported', text: error.code })
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_PEER_DEAD', 'ready'])
    assertWithin(tookMs, due)
    assert.equal((await ssh.closed).code, 'ERR_SSH_PEER_DEAD')
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
