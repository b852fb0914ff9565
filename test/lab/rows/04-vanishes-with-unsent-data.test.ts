import assert from 'node:assert/strict'
import { leavesNothing } from '../../promises/support/leaks.js'
import { written } from '../../promises/support/pending.js'
import { login } from '../../session/sshd.js'
import { row } from '../row.js'
import { follow, keepalive, needs, readNothing, scene, vanish } from './support/scene.js'
import { peerIsDead } from './support/verdict.js'
import { whoReports } from './support/watched.js'

leavesNothing()

const command = 'sleep 3000'
const fault = 'the peer vanishes, and data is written'
const size = 4_000_000

row({
  number: 4,
  failure: 'the peer vanishes while data is on its way to it',
  expected: 'Reports the peer dead within the bound, however much waits to be sent, and calls every write back.',
  how: 'every packet is dropped, both ways; then 4 x 4 MB are written (by others, 4 MB)',
  bound: 'reported within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_PEER_DEAD',
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const made = await scene(t, { version: '9.2' })
    const ssh = await login(t, made.server, { keepalive })
    follow(ssh, watch)
    const commands = await readNothing(ssh, command)
    await vanish(made, watch, fault)
    const writes = commands.flatMap((one) => [one.exited, written(one, Buffer.alloc(size))])
    const { evidence } = await peerIsDead(ssh, writes, watch)
    assert.ok(evidence !== undefined && evidence.unsentBytes > 0)
  },
  peers: whoReports({
    sshd: { version: '9.2' },
    job: { job: 'exec', command },
    async fault(made, watch, peer) {
      await vanish(made, watch, fault)
      peer.do({ step: 'write', bytes: size })
    },
    after(watch, { events }) {
      if (events.some(({ event }) => event === 'written')) watch.event('the write is called back')
    },
  }),
})
