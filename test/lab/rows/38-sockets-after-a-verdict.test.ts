import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { written } from '../../promises/support/pending.js'
import { signalConnections } from '../../promises/support/signals.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { login } from '../../session/sshd.js'
import type { Lab } from '../network/lab.js'
import { type PeerClient, row, type Watch } from '../row.js'
import { follow, keepalive, needs, readNothing, scene, slackMs } from './support/scene.js'
import { peerIsDead } from './support/verdict.js'

leavesNothing()

const command = 'sleep 3000'
const size = 4_000_000

row({
  number: 38,
  failure: 'a dead peer leaves sockets behind',
  expected: 'Resets the socket with the verdict, so that no kernel keeps it, or what waited in it.',
  how: 'SIGSTOP to the sshd that serves the session, or every packet is dropped; then 4 x 4 MB are written (by others, 4 MB)',
  bound: 'no socket is left at the verdict, within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_PEER_DEAD',
  needs: needs('9.2'),
  async holdfast(t, watch) {
    await Promise.all([stopped(t), vanished(t, watch)])
  },
  peers: { ssh2: whatIsLeft, openssh: whatIsLeft },
})

/** The server's kernel is there: a FIN would leave its half of the connection waiting to be closed. */
async function stopped(t: TestContext): Promise<void> {
  const { lab, server } = await scene(t, { version: '9.2' })
  const ssh = await login(t, server, { keepalive })
  const commands = await readNothing(ssh, command)
  await signalConnections(server, 'SIGSTOP')
  const writes = commands.map((one) => written(one, Buffer.alloc(size)))
  const verdict = peerIsDead(ssh, writes)
  const [sockets] = await Promise.all([socketsOf(lab), verdict])
  assert.equal(sockets.length, 1)
  const since = performance.now()
  while ((await socketsOf(lab)).length > 0) {
    assert.ok(performance.now() - since < slackMs, 'the server’s kernel keeps the socket: it was not reset')
    await pause(20)
  }
}

async function vanished(t: TestContext, watch: Watch): Promise<void> {
  const { gateway, server } = await scene(t, { version: '9.2' })
  const ssh = await login(t, server, { keepalive })
  follow(ssh, watch)
  const commands = await readNothing(ssh, command)
  await gateway.drop({ direction: 'both' })
  watch.fault('the peer vanishes, and data is written')
  const writes = commands.map((one) => written(one, Buffer.alloc(size)))
  const verdict = peerIsDead(ssh, writes, watch)
  const [sockets] = await Promise.all([socketsTo(server.port, server.host), verdict])
  assert.equal(sockets.length, 1)
}

async function whatIsLeft(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const { gateway, server } = await scene(t, { version: '9.2' })
  const peer = client.start(server, { job: 'exec', command })
  await peer.event('ready', 10_000)
  await untilCommandRuns(server, command)
  await gateway.drop({ direction: 'both' })
  watch.fault('the peer vanishes, and data is written')
  peer.do({ step: 'write', bytes: size })
  const settled = await peer.settled(20_000)
  if (settled === 'never') return watch.outcome({ kind: 'never', ms: 20_000, text: 'keeps the socket for 20 s' })
  const ms = watch.since(settled.at)
  watch.event(settled.text, settled.at)
  await pause(1000)
  const left = await socketsTo(server.port, server.host)
  if (left.length === 0) watch.outcome({ kind: 'reported', ms, text: 'leaves no socket' })
  else watch.outcome({ kind: 'failed', ms, text: `reports it, and leaves ${left.length} socket in the kernel` })
}

/** What the server's kernel has of connections: ss(8). */
async function socketsOf({ server }: Lab): Promise<readonly string[]> {
  const { stdout } = await server.run(['ss', '-tnH'])
  return stdout.split('\n').filter((line) => line !== '')
}
