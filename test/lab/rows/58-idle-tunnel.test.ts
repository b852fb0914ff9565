import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { type EchoFlow, startEcho } from '../network/echo.js'
import type { PeerSettings } from '../peers/peer.js'
import { lab, type PeerClient, type PeerRun, row } from '../row.js'
import { follow, needs, scene, slackMs } from './support/scene.js'
import { flowTo, forwardBy } from './support/tunnels.js'

leavesNothing()

const forgetAfterS = 18
const asleepS = lab.full ? 60 : 25
const fault = 'silence begins'
const probeMs = 2000

row({
  number: 58,
  failure: 'a NAT forgets the flow under tunnels that are idle',
  expected:
    'Keeps the flow in use by probes, with no option given, so that each tunnel goes on when somebody has something to say.',
  how: `conntrack forgets what was idle for ${forgetAfterS} s, under a tunnel and a connection through a forward, which are silent for longer; each client as it comes, where ssh2 and ssh(1) ask nobody; beside it these with the keepalive of this page`,
  bound: 'kept: the peer is asked after 15 s of silence, by default',
  code: 'none: the tunnels go on',
  scale: { short: '25 s of silence', full: '60 s of silence' },
  needs: needs('10'),
  async holdfast(t, watch) {
    const { lab: network, server } = await scene(t, { version: '10' }, { forgetAfterS })
    const echo = await startEcho(network.server)
    const ssh = await login(t, server)
    const forgotten = await login(t, server, { keepalive: false })
    const states = follow(ssh, watch)
    const tunnel = await ssh.connectTo(echo)
    const forward = await ssh.forwardLocal({ to: echo })
    const flow = await flowTo(forward.address)
    assert.equal(await answer(tunnel, 'here'), 'here')
    assert.ok(await flow.echoes('here'))

    watch.fault(fault)
    await pause(asleepS * 1000)
    const said = performance.now()
    assert.equal(await answer(tunnel, 'awake'), 'awake')
    assert.ok(await flow.echoes('awake'))
    watch.outcome({ kind: 'kept', text: 'both tunnels went on' })
    assertWithin(performance.now() - said, [0, slackMs])
    assert.deepEqual(states, [])
    // The network did what this row is about.
    await isLost(forgotten)
    flow.socket.destroy()
    tunnel.destroy()
    await forward.close()
  },
  peers: { ssh2: withAndWithout({ keepaliveInterval: 0 }), openssh: withAndWithout({ ServerAliveInterval: 0 }) },
})

/** What comes back from an echo server. */
async function answer(tunnel: Awaited<ReturnType<Client['connectTo']>>, text: string): Promise<string> {
  const answered = new Promise<string>((resolve) => tunnel.once('data', (bytes: Buffer) => resolve(bytes.toString())))
  tunnel.write(text)
  return answered
}

async function isLost(ssh: Client): Promise<void> {
  const { error, tookMs } = await failure(ssh.keepalive.send({ timeout: probeMs }))
  assert.deepEqual([error.code, error.phase, error.limitMs], ['ERR_SSH_PROBE_TIMEOUT', 'ready', probeMs])
  assertWithin(tookMs, [probeMs, probeMs + slackMs])
}

/** As it comes it asks nobody, and that counts; what it does once it is told to ask is said beside it. */
function withAndWithout(asItComes: PeerSettings): PeerRun {
  return async (t, client, watch) => {
    const [plain, told] = await Promise.all([asItComes, {}].map((settings) => idle(t, client, settings)))
    assert.ok(plain !== undefined && told !== undefined)
    watch.fault(fault)
    await pause(asleepS * 1000)
    const outcomes = [plain, told].map((flow) => flow.echoes('awake', 20_000))
    const [isKept, isKeptWhenTold] = await Promise.all(outcomes)
    const text = `with no option: ${inWords(isKept)}; with its keepalive once a second: ${inWords(isKeptWhenTold)}`
    watch.outcome(isKept ? { kind: 'kept', text } : { kind: 'never', ms: 20_000, text })
  }
}

function inWords(isKept = false): string {
  return isKept ? 'the tunnel went on' : 'nothing came back within 20 s'
}

async function idle(t: TestContext, client: PeerClient, settings: PeerSettings): Promise<EchoFlow> {
  const { lab: network, server } = await scene(t, { version: '10' }, { forgetAfterS })
  return forwardBy(t, client, server, { to: await startEcho(network.server), settings })
}
