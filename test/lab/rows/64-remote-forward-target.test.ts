import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Forward, HoldfastError } from 'holdfast'
import { closedPort } from '../../forward/local-servers.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { freePort } from '../../servers/port.js'
import { login } from '../../session/sshd.js'
import type { LabHost } from '../network/host.js'
import { lab, type PeerClient, row, type Watch } from '../row.js'
import { follow, keepalive, needs, slackMs } from './support/scene.js'
import { callFrom, openTargetScene, type TargetScene } from './support/tunnels.js'

leavesNothing()

const limitMs = lab.full ? 10_000 : 2000
const watchedMs = 30_000
const fault = 'somebody connects to the forward, whose target no packet reaches'

row({
  number: 64,
  failure: 'what a forward on the server leads to refuses, or never answers, on this side',
  expected: 'Ends that connection within a bound, on the server too, and goes on for others.',
  how: 'forwardRemote() to a port at which nobody listens, to a host that no packet reaches (by ssh(1), this one), and to a server that is fine',
  bound: 'refused at once; given up after 10 s, the default of the limit `tcp`',
  code: 'ERR_SSH_CONNECT, ERR_SSH_TIMEOUT',
  scale: { short: 'with the limit at 2 s', full: 'with the default limit' },
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const { near, server, lost, fine } = await targetScene(t)
    const ssh = await login(t, server, { keepalive, limits: lab.full ? {} : { tcp: limitMs } })
    const states = follow(ssh, watch)
    const healthy = await ssh.forwardRemote({ to: fine })
    const other = await callFrom(near, portOf(healthy))

    const refusing = await ssh.forwardRemote({ to: { host: '127.0.0.1', port: await closedPort() } })
    const refused = await broken(near, refusing)
    assert.deepEqual([refused.error.code, refused.error.phase], ['ERR_SSH_CONNECT', 'tcp'])
    assertWithin(refused.ms, [0, slackMs])

    const silent = await ssh.forwardRemote({ to: lost })
    watch.fault(fault)
    const { error, ms } = await broken(near, silent)
    watch.outcome({ kind: 'reported', ms, text: `ended on the server; ${error.code}, limit ${error.limit}` })
    assert.deepEqual([error.code, error.phase, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', 'tcp', 'tcp', limitMs])
    assertWithin(ms, [limitMs, limitMs + slackMs])
    assert.equal(await other.says('still here'), 'still here')
    assert.deepEqual(states, [])
    await Promise.all([healthy, refusing, silent].map((forward) => forward.close()))
    await other.ended
    while (ssh.stats().channels.length > 0) await ssh.keepalive.send()
  },
  peers: { ssh2: 'leaves it to the program to reach what a forward leads to', openssh: watchPeer },
})

/** Somebody connects on the server, and is cut off. */
async function broken(
  near: LabHost,
  forward: Forward,
): Promise<{ readonly error: HoldfastError; readonly ms: number }> {
  const failure = once(forward, 'failure')
  const caller = await callFrom(near, portOf(forward))
  const since = performance.now()
  await caller.ended
  const ms = performance.now() - since
  const [error] = (await failure) as [HoldfastError]
  assert.equal(forward.connections, 0)
  return { error, ms }
}

function portOf({ address: { port } }: Forward): number {
  assert.ok(port !== undefined)
  return port
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const { near, server, lost } = await targetScene(t)
  const port = await freePort()
  const peer = client.start(server, { job: 'forward', port, listens: 'on the server', to: lost })
  await peer.event('callback', 10_000)
  const { ended } = await callFrom(near, port)
  watch.fault(fault)
  const isEnded = await Promise.race([ended.then(() => true), pause(watchedMs, false, { ref: false })])
  if (isEnded) watch.outcome({ kind: 'ended', text: 'the connection on the server was ended' })
  else watch.outcome({ kind: 'never', ms: watchedMs, text: 'who connected on the server waits' })
}

async function targetScene(t: TestContext): Promise<TargetScene> {
  const scene = await openTargetScene(t, '9.2')
  await scene.lose()
  return scene
}
