import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { BadNetwork } from 'holdfast/testing'
import { network } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { prepareSshd, type SshdServer } from '../../servers/sshd.js'
import { login, running, sshd } from '../../session/sshd.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { slackMs } from './support/scripted.js'

leavesNothing()

const keepalive = { interval: 1000, countMax: 3 }
/** docs/liveness.md, where packets come at least once an interval. */
const bound = (keepalive.countMax + 3) * keepalive.interval
/** Until then no peer may be called dead: what was asked last may have been asked an interval before the fault. */
const notBefore = (keepalive.countMax + 1) * keepalive.interval - keepalive.interval
const command = 'while :; do echo x; sleep 0.3; done'
const fault = 'the server hears nothing any more'
const watchedMs = 20_000

row({
  number: 47,
  failure: 'we hear the peer, it does not hear us, and what we hear is a trickle',
  expected: 'Comes to a verdict all the same: what is asked stays unanswered although packets come in.',
  how: 'a relay that ends TCP on both sides, swallows what goes to the server, and hands on what a command of sshd writes every 0.3 s',
  bound: `reported within ${bound / 1000} s of the last sign that it hears us ((countMax + 3) x 1 s)`,
  code: 'ERR_SSH_PEER_DEAD',
  scripted: true,
  needs: () => prepareSshd('9.2'),
  async holdfast(t, watch) {
    const { server, relay } = await scene(t)
    const ssh = await login(t, server, { port: relay.port, keepalive })
    ssh.on('liveness', ({ to }) => watch.event(to))
    const trickling = await ssh.spawn(command)
    await once(trickling.stdout.resume(), 'data')
    deafen(relay, watch)
    const { error, tookMs } = await failure(trickling.exited)
    watch.outcome({ kind: 'reported', text: error.code })
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_PEER_DEAD', 'ready'])
    assert.match(error.message, /it does not hear us/)
    assert.ok((error.evidence?.lastHeardMs ?? Number.POSITIVE_INFINITY) < keepalive.interval)
    assertWithin(tookMs, [notBefore, bound + slackMs])
    assert.equal((await ssh.closed).code, 'ERR_SSH_PEER_DEAD')
    await leavesNothingRemote(server, relay)
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, other: PeerClient, watch: Watch): Promise<void> {
  const { server, relay } = await scene(t)
  const { username, clientKeys } = server
  const peer = other.start({ host: relay.host, port: relay.port, username, clientKeys }, { job: 'exec', command })
  await peer.event('data', 10_000)
  deafen(relay, watch)
  noteSettled(watch, await peer.settled(watchedMs), watchedMs)
}

async function scene(t: TestContext): Promise<{ readonly server: SshdServer; readonly relay: BadNetwork }> {
  const server = await sshd(t, { version: '9.2' })
  return { server, relay: await network(t, server) }
}

function deafen(relay: BadNetwork, watch: Watch): void {
  relay.swallow({ direction: 'toServer' })
  watch.fault(fault)
}

/** The server learns of the end once the relay lets it: then nothing of the command is left there either. */
async function leavesNothingRemote(server: SshdServer, relay: BadNetwork): Promise<void> {
  await relay.close()
  while ((await running(server)).length > 0) await pause(10)
}
