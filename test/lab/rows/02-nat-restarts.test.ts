import { leavesNothing } from '../../promises/support/leaks.js'
import { pendingOn } from '../../promises/support/pending.js'
import { login } from '../../session/sshd.js'
import { row, type Watch } from '../row.js'
import { follow, keepalive, needs, type Scene, scene } from './support/scene.js'
import { peerIsDead } from './support/verdict.js'
import { whoReports } from './support/watched.js'

leavesNothing()

row({
  number: 2,
  failure: 'a NAT restarts, and knows no flow any more',
  expected: 'Reports the peer dead within the bound, and rejects everything that waits with that one cause.',
  how: 'conntrack -F, under commands, a write and a shell',
  bound: 'reported within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_PEER_DEAD',
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const made = await scene(t, { version: '9.2' })
    const ssh = await login(t, made.server, { keepalive })
    follow(ssh, watch)
    const pending = pendingOn(ssh, await ssh.spawn('sleep 3000'))
    await ssh.exec('true')
    await forget(made, watch)
    await peerIsDead(ssh, [...pending, ssh.exec('true'), ssh.rekey()], watch)
  },
  peers: whoReports({ sshd: { version: '9.2' }, job: { job: 'exec', command: 'sleep 3000' }, fault: forget }),
})

async function forget({ gateway }: Scene, watch: Watch): Promise<void> {
  await gateway.forget()
  watch.fault('every flow is forgotten')
}
