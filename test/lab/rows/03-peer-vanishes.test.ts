import { leavesNothing } from '../../promises/support/leaks.js'
import { login } from '../../session/sshd.js'
import { row } from '../row.js'
import { follow, keepalive, needs, scene, vanish } from './support/scene.js'
import { peerIsDead } from './support/verdict.js'
import { whoReports } from './support/watched.js'

leavesNothing()

const command = 'sleep 3000'
const fault = 'the peer vanishes'

row({
  number: 3,
  failure: 'the peer vanishes while nothing is on its way',
  expected: 'Asks a silent peer by itself, and reports it dead within the bound.',
  how: 'every packet is dropped, both ways, under a command that sleeps',
  bound: 'reported within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_PEER_DEAD',
  needs: needs('10'),
  async holdfast(t, watch) {
    const made = await scene(t, { version: '10' })
    const ssh = await login(t, made.server, { keepalive })
    follow(ssh, watch)
    const pending = [ssh.exec(command), (await ssh.spawn(command)).exited]
    await vanish(made, watch, fault)
    await peerIsDead(ssh, pending, watch)
  },
  peers: whoReports({
    sshd: { version: '10' },
    job: { job: 'exec', command },
    fault: (made, watch) => vanish(made, watch, fault),
  }),
})
