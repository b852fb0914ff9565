import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import type { PeerProcess, PeerSettings } from '../peers/peer.js'
import { lab, type PeerRun, row } from '../row.js'
import { follow, needs, scene, slackMs } from './support/scene.js'
import { survival } from './support/watched.js'

leavesNothing()

const forgetAfterS = 18
const asleepS = lab.full ? 60 : 25
const watchedMs = (asleepS + 15) * 1000
const command = `sleep ${asleepS}; echo awake`
const probeMs = 2000

row({
  number: 1,
  failure: 'a NAT forgets an idle flow',
  expected: 'Keeps the flow in use by probes, with no option given, so that the command ends as on any network.',
  how: `conntrack forgets what was idle for ${forgetAfterS} s, under a command that sleeps longer; each client as it comes, where ssh2 and ssh(1) ask nobody; beside it these with the keepalive of this page`,
  bound: 'kept: the peer is asked after 15 s of silence, by default',
  code: 'none: the command ends well',
  scale: { short: '25 s of silence', full: '60 s of silence' },
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const { server } = await scene(t, { version: '9.2' }, { forgetAfterS })
    const ssh = await login(t, server)
    const forgotten = await login(t, server, { keepalive: false })
    follow(ssh, watch)
    watch.fault('silence begins')
    const [{ stdout }] = await Promise.all([ssh.exec(command), pause(asleepS * 1000)])
    const ms = watch.since()
    watch.outcome({ kind: 'kept', ms, text: 'the command ended well' })
    assert.equal(stdout, 'awake\n')
    assertWithin(ms, [asleepS * 1000 - 100, asleepS * 1000 + slackMs])
    assert.equal(ssh.liveness.state, 'alive')
    // The network did what this row is about.
    const { error, tookMs } = await failure(forgotten.keepalive.send({ timeout: probeMs }))
    assert.deepEqual([error.code, error.phase, error.limitMs], ['ERR_SSH_PROBE_TIMEOUT', 'ready', probeMs])
    assertWithin(tookMs, [probeMs, probeMs + slackMs])
  },
  peers: { ssh2: withAndWithout({ keepaliveInterval: 0 }), openssh: withAndWithout({ ServerAliveInterval: 0 }) },
})

/** As it comes it asks nobody, and that counts; what it does once it is told to ask is said beside it. */
function withAndWithout(asItComes: PeerSettings): PeerRun {
  return async (t, client, watch) => {
    const { server } = await scene(t, { version: '9.2' }, { forgetAfterS })
    const peers = [asItComes, {}].map((settings) => client.start(server, { job: 'exec', command }, settings))
    await Promise.all(peers.map((peer) => peer.event('ready', 10_000)))
    watch.fault('silence begins')
    const outcome = async (peer: PeerProcess) => survival(watch, await peer.settled(watchedMs), watchedMs, peer)
    const [plain, told] = await Promise.all(peers.map(outcome))
    assert.ok(plain !== undefined && told !== undefined)
    watch.outcome({ ...plain, text: `with no option: ${plain.text}; with its keepalive once a second: ${told.text}` })
  }
}
