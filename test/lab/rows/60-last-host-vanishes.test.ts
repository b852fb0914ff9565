import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { login } from '../../session/sshd.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { type Chain, openChain, untilLeft } from './support/chain.js'
import { follow, keepalive, needs } from './support/scene.js'
import { peerIsDead } from './support/verdict.js'

leavesNothing()

const command = 'sleep 3000'

row({
  number: 60,
  failure: 'the last host vanishes, those on the way to it are fine',
  expected:
    'Reports the target, and no host on the way; a connection that leads there and is the program’s own lives on.',
  how: 'proxyJump over two hosts, the first of them by a client in use; every packet to and from the target is dropped',
  bound: 'reported within 4 s of the last packet (1 s x 3), without `hop`',
  code: 'ERR_SSH_PEER_DEAD',
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    const chain = await openChain(t, 2)
    const [near] = chain.jumps
    const [, middle] = await chain.hops({ keepalive })
    assert.ok(near !== undefined && middle !== undefined)
    const first = await login(t, near, { keepalive })
    const states = follow(first)
    const ssh = await login(t, chain.target, { proxyJump: [first, middle], keepalive })
    follow(ssh, watch)
    const sftp = await ssh.sftp()
    const pending = [ssh.exec(command), (await ssh.spawn(command)).exited]
    await lose(chain, watch)
    const { host, hop } = await peerIsDead(ssh, [...pending, sftp.stat('/'), ssh.exec('true')], watch)
    assert.deepEqual([host, hop], [chain.nameOf('target'), undefined])

    assert.equal((await first.exec('echo here')).stdout, 'here\n')
    assert.deepEqual(states, [])
    while (first.stats().channels.length > 0) await first.keepalive.send()
    await first.close()
    await untilLeft(chain)
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function lose(chain: Chain, watch: Watch): Promise<void> {
  await chain.lose(chain.target)
  watch.fault('the last host vanishes')
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const chain = await openChain(t, 2)
  const { jumps, target } = chain
  const peer = client.start({ ...target, jumps }, { job: 'exec', command })
  await peer.event('ready', 10_000)
  await lose(chain, watch)
  noteSettled(watch, await peer.settled(20_000), 20_000)
}
