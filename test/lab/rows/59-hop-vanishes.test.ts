import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { type Chain, openChain, untilLeft } from './support/chain.js'
import { boundMs, due, follow, keepalive, needs, slackMs } from './support/scene.js'
import { allFail } from './support/verdict.js'

leavesNothing()

const command = 'sleep 3000'
const code = 'ERR_SSH_PEER_DEAD'

row({
  number: 59,
  failure: 'one of two hosts on the way vanishes',
  expected:
    'Reports it within the bound of one connection, and names the host that it was: the target behind it is as silent.',
  how: 'proxyJump over two hosts; every packet to and from the second is dropped, and in another network to and from the first. The others lose the second',
  bound: 'reported within 4 s of the last packet (1 s x 3), with `hop`',
  code,
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    await Promise.all([loses(t, 1, watch), loses(t, 0)])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function loses(t: TestContext, which: 0 | 1, watch?: Watch): Promise<void> {
  const chain = await openChain(t, 2)
  const ssh = await login(t, chain.target, { proxyJump: await chain.hops({ keepalive }), keepalive })
  follow(ssh, watch)
  const sftp = await ssh.sftp()
  const pending = [ssh.exec(command), (await ssh.spawn(command)).exited]
  await lose(chain, which, watch)
  const calls = [...pending, sftp.stat('/'), ssh.exec('true')]
  const { host, hop, message, evidence } = await allFail(ssh, calls, { code, within: due, ...(watch && { watch }) })
  // That of the connection to the host that vanished.
  assertWithin(evidence?.lastHeardMs ?? Number.NaN, [boundMs, boundMs + slackMs])
  assert.deepEqual([host, hop], [chain.nameOf('target'), chain.nameOf(which)])
  assert.ok(message.includes(`the hop ${chain.nameOf(which)} on the way to ${chain.nameOf('target')}`), message)
  await untilLeft(chain)
}

async function lose(chain: Chain, which: 0 | 1, watch?: Watch): Promise<void> {
  const server = chain.jumps[which]
  assert.ok(server !== undefined)
  await chain.lose(server)
  watch?.fault('the second host on the way vanishes')
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const chain = await openChain(t, 2)
  const { jumps, target } = chain
  const peer = client.start({ ...target, jumps }, { job: 'exec', command })
  await peer.event('ready', 10_000)
  await lose(chain, 1, watch)
  noteSettled(watch, await peer.settled(20_000), 20_000)
}
