import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { login } from '../../session/sshd.js'
import { lab, noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { beginTransfers, makeTransfers, putBy, resumeTransfers, untilNothingRuns } from './support/files.js'
import { follow, keepalive, needs, type Scene, scene } from './support/scene.js'
import { peerIsDead } from './support/verdict.js'

leavesNothing()

const kbits = 16_000
const size = lab.full ? 60_000_000 : 16_000_000
/** The server lets go of a client that is gone, too: what it still held would otherwise run on for hours. */
const sshd = { version: '10', config: { ClientAliveInterval: 1, ClientAliveCountMax: 3 } } as const

row({
  number: 52,
  failure: 'the path vanishes in the middle of a transfer of files',
  expected:
    'Ends put() and get() with the verdict on the connection; over a new one they go on where they were, and what arrives is what was sent.',
  how: 'every packet is dropped, both ways, in the middle of a put() and a get() at 2 MB/s; then passes again. The others put one file',
  bound: 'reported within 4 s of the last packet (1 s x 3); resumed behind what had arrived',
  code: 'ERR_SSH_PEER_DEAD',
  scale: { short: '16 MB each way', full: '60 MB each way' },
  needs: needs('10'),
  async holdfast(t, watch) {
    const made = await scene(t, sshd)
    const { gateway, server } = made
    const ssh = await login(t, server, { keepalive })
    follow(ssh, watch)
    const transfers = await makeTransfers(t, ssh, size)
    const sftp = await ssh.sftp()
    await gateway.rate({ kbits })
    const { put, get } = await beginTransfers(sftp, transfers)
    await lose(made, watch)
    await peerIsDead(ssh, [put, get, sftp.stat('.')], watch)

    await Promise.all([gateway.heal(), gateway.unlimited()])
    const again = await login(t, server, { keepalive })
    const anew = await again.sftp()
    await resumeTransfers(anew, transfers)
    await anew.close()
    await again.close()
    await untilNothingRuns(server)
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function lose({ gateway }: Scene, watch: Watch): Promise<void> {
  await gateway.drop({ direction: 'both' })
  watch.fault('the path vanishes')
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const made = await scene(t, sshd)
  const peer = await putBy(t, client, made, { size, kbits })
  await lose(made, watch)
  noteSettled(watch, await peer.settled(20_000), 20_000)
}
