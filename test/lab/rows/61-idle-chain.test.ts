import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import type { PeerProcess, PeerSettings } from '../peers/peer.js'
import { lab, type PeerRun, row } from '../row.js'
import { openChain, untilLeft } from './support/chain.js'
import { follow, needs, slackMs } from './support/scene.js'
import { survival } from './support/watched.js'

leavesNothing()

const forgetAfterS = 18
const asleepS = lab.full ? 60 : 25
const asleepMs = asleepS * 1000
const watchedMs = asleepMs + 15_000
const probeMs = 2000
const command = `sleep ${asleepS}; echo awake`
const fault = 'silence begins'

row({
  number: 61,
  failure: 'a NAT forgets idle flows under a connection over two hosts',
  expected: 'Keeps each of them in use by probes of its own, with no option given.',
  how: `conntrack forgets what was idle for ${forgetAfterS} s, on the way to each of three hosts, under a command that sleeps longer; each client as it comes, where ssh2 and ssh(1) ask nobody; beside it these with the keepalive of this page`,
  bound: 'kept: each host is asked after 15 s of silence, by default',
  code: 'none: the command ends well',
  scale: { short: '25 s of silence', full: '60 s of silence' },
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    const chain = await openChain(t, 2, { forgetAfterS })
    const ssh = await login(t, chain.target, { proxyJump: await chain.hops() })
    const silent = await chain.hops({ keepalive: false })
    const forgotten = await login(t, chain.target, { proxyJump: silent, keepalive: false })
    const states = follow(ssh, watch)
    watch.fault(fault)
    const [{ stdout }] = await Promise.all([ssh.exec(command), pause(asleepMs)])
    const ms = watch.since()
    watch.outcome({ kind: 'kept', ms, text: 'the command ended well' })
    assert.equal(stdout, 'awake\n')
    assertWithin(ms, [asleepMs - 100, asleepMs + slackMs])
    assert.deepEqual(states, [])
    // The network did what this row is about.
    const { error, tookMs } = await failure(forgotten.keepalive.send({ timeout: probeMs }))
    assert.deepEqual([error.code, error.phase, error.limitMs], ['ERR_SSH_PROBE_TIMEOUT', 'ready', probeMs])
    assertWithin(tookMs, [probeMs, probeMs + slackMs])
    await Promise.all([ssh.close(), forgotten.close()])
    await untilLeft(chain)
  },
  peers: { ssh2: withAndWithout({ keepaliveInterval: 0 }), openssh: withAndWithout({ ServerAliveInterval: 0 }) },
})

/** As it comes it asks nobody, and that counts; what it does once it is told to ask is said beside it. */
function withAndWithout(asItComes: PeerSettings): PeerRun {
  return async (t, client, watch) => {
    const { jumps, target } = await openChain(t, 2, { forgetAfterS })
    const job = { job: 'exec', command } as const
    const peers = [asItComes, {}].map((settings) => client.start({ ...target, jumps }, job, settings))
    await Promise.all(peers.map((peer) => peer.event('ready', 10_000)))
    watch.fault(fault)
    const outcome = async (peer: PeerProcess) => survival(watch, await peer.settled(watchedMs), watchedMs, peer)
    const [plain, told] = await Promise.all(peers.map(outcome))
    assert.ok(plain !== undefined && told !== undefined)
    watch.outcome({ ...plain, text: `with no option: ${plain.text}; with its keepalive once a second: ${told.text}` })
  }
}
