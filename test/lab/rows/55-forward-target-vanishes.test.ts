import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Forward, HoldfastError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { lab, type PeerClient, row, type Watch } from '../row.js'
import { follow, keepalive, needs, slackMs } from './support/scene.js'
import { flowTo, forwardBy, noteEnd, openTargetScene, type TargetScene } from './support/tunnels.js'

leavesNothing()

const idleMs = 2000
const openMs = lab.full ? 15_000 : 3000
/** TCP between the server and its target sends again after as long as it has waited already. */
const outageMs = 5000
const fault = 'the target of the forward vanishes, and is written to'

row({
  number: 55,
  failure: 'what a forward leads to vanishes, the SSH server is fine',
  expected:
    'Bounds how long a new connection is tried, and ends an open one by `idleTimeout`, if that is given; all else of the connection goes on, and an open one without limit outlives an outage.',
  how: 'the gateway drops what goes between the SSH server and the target; connections through forwardLocal(), with `idleTimeout` of 2 s and without; after 5 s packets pass again (with others, not)',
  bound: 'a new one is reset within 15 s, the default of the limit `channelOpen`; an open one 2 s after its last byte',
  code: 'ERR_SSH_TIMEOUT',
  scale: { short: 'with the limit at 3 s', full: 'with the default limit' },
  needs: needs('10'),
  async holdfast(t, watch) {
    const scene = await openTargetScene(t, '10')
    const { server, lost, fine } = scene
    const ssh = await login(t, server, { keepalive, limits: lab.full ? {} : { channelOpen: openMs } })
    const states = follow(ssh, watch)
    const limited = await ssh.forwardLocal({ to: lost, idleTimeout: idleMs })
    const patient = await ssh.forwardLocal({ to: lost })
    const beside = await ssh.forwardLocal({ to: fine })
    const [cut, kept, healthy] = await Promise.all([limited, patient, beside].map(({ address }) => flowTo(address)))
    assert.ok(cut && kept && healthy)
    for (const flow of [cut, kept, healthy]) assert.ok(await flow.echoes('here'))

    await lose(scene, watch)
    for (const flow of [cut, kept]) flow.socket.write('lost')
    const since = performance.now()
    const idle = failureOf(limited)
    assert.equal(await cut.failure(), 'ECONNRESET')
    const ms = performance.now() - since
    watch.outcome({ kind: 'reported', ms, text: 'ERR_SSH_TIMEOUT, limit idleTimeout; the forward lives' })
    assertWithin(ms, [idleMs, idleMs + slackMs])
    assertLimit(await idle, ['ready', 'idleTimeout', idleMs])
    await triedInVain(patient)
    assert.ok(await healthy.echoes('here too'))
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
    assert.deepEqual(states, [])

    await pause(outageMs - (performance.now() - since))
    await scene.heal()
    assert.ok(await kept.receives('lost', 30_000))
    const anew = await flowTo(limited.address)
    assert.ok(await anew.echoes('here'))
    const open = [kept, healthy, anew]
    for (const { socket } of open) socket.end()
    assert.deepEqual(await Promise.all(open.map((flow) => flow.failure())), [undefined, undefined, undefined])
    await Promise.all([limited, patient, beside].map((forward) => forward.close()))
    while (ssh.stats().channels.length > 0) await ssh.keepalive.send()
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

/** A further connection, while no packet reaches the target. */
async function triedInVain(forward: Forward): Promise<void> {
  const since = performance.now()
  const failure = failureOf(forward)
  const flow = await flowTo(forward.address)
  assert.equal(await flow.failure(), 'ECONNRESET')
  assertWithin(performance.now() - since, [openMs, openMs + slackMs])
  assertLimit(await failure, ['channelOpen', 'channelOpen', openMs])
}

/** The next of one connection. */
async function failureOf(forward: Forward): Promise<HoldfastError> {
  const [error] = (await once(forward, 'failure')) as [HoldfastError]
  return error
}

function assertLimit({ code, phase, limit, limitMs }: HoldfastError, expected: readonly unknown[]): void {
  assert.deepEqual([code, phase, limit, limitMs], ['ERR_SSH_TIMEOUT', ...expected])
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const scene = await openTargetScene(t, '10')
  const flow = await forwardBy(t, client, scene.server, { to: scene.lost })
  await lose(scene, watch)
  flow.socket.write('lost')
  await noteEnd(watch, flow, 20_000)
}

async function lose(scene: TargetScene, watch: Watch): Promise<void> {
  await scene.lose()
  watch.fault(fault)
}
