import assert from 'node:assert/strict'
import process from 'node:process'
import type { TestContext } from 'node:test'
import type { ConnectOptions } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { lab, noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { type Chain, openChain, untilLeft } from './support/chain.js'
import { keepalive, needs, slackMs } from './support/scene.js'
import { peerIsDead } from './support/verdict.js'

leavesNothing()

const openMs = lab.full ? 15_000 : 2000
const identificationMs = lab.full ? 10_000 : 2000
/** Of the jump host, whose server is asked for the way; and of the target. */
const [jumpLimits, targetLimits] = lab.full ? [{}, {}] : [{ channelOpen: openMs }, { identification: identificationMs }]

row({
  number: 17,
  failure: 'the jump host is fine, the target behind it unreachable',
  expected:
    'Has the same deadlines over any stream: for the way, for the handshake, and for a target that vanishes later.',
  how: 'proxyJump; the gateway drops what goes from the jump host to the target; or the listener of the target is stopped',
  bound:
    'reported within 15 s, the default of the limit `channelOpen`, and 10 s, that of `identification`; later within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_TIMEOUT, ERR_SSH_PEER_DEAD',
  scale: { short: 'limits of 2 s', full: 'the limits as they come, 15 s and 10 s' },
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    await Promise.all([neverReached(t, watch), silentAtOnce(t), vanished(t)])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function neverReached(t: TestContext, watch: Watch): Promise<void> {
  const chain = await openChain(t, 1)
  await chain.lose(chain.target)
  watch.fault('connect() to a target that no packet reaches')
  const { error, tookMs } = await failure(login(t, chain.target, await over(chain)))
  watch.outcome({ kind: 'reported', ms: tookMs, text: error.code })
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs, error.host, error.hop],
    ['ERR_SSH_TIMEOUT', 'channelOpen', 'channelOpen', openMs, chain.nameOf('target'), chain.nameOf(0)],
  )
  assertWithin(tookMs, [openMs, openMs + slackMs])
  await untilLeft(chain)
}

/** The jump host reaches it; it takes the connection and says nothing. */
async function silentAtOnce(t: TestContext): Promise<void> {
  const chain = await openChain(t, 1)
  process.kill(chain.target.pid, 'SIGSTOP')
  const { error, tookMs } = await failure(login(t, chain.target, await over(chain)))
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs, error.host, error.hop],
    ['ERR_SSH_TIMEOUT', 'identification', 'identification', identificationMs, chain.nameOf('target'), undefined],
  )
  assertWithin(tookMs, [identificationMs, identificationMs + slackMs])
  await untilLeft(chain)
}

async function vanished(t: TestContext): Promise<void> {
  const chain = await openChain(t, 1)
  const ssh = await login(t, chain.target, { proxyJump: await chain.hops({ keepalive }), keepalive })
  const pending = [ssh.exec('sleep 3000'), (await ssh.spawn('sleep 3000')).exited]
  await chain.lose(chain.target)
  const { host, hop } = await peerIsDead(ssh, pending)
  assert.deepEqual([host, hop], [chain.nameOf('target'), undefined])
  await untilLeft(chain)
}

async function over(chain: Chain): Promise<ConnectOptions> {
  return { proxyJump: await chain.hops({ limits: jumpLimits }), limits: targetLimits }
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const { jumps, target, lose } = await openChain(t, 1)
  await lose(target)
  watch.fault('a login to a target that no packet reaches')
  const peer = client.start({ ...target, jumps }, { job: 'exec', command: 'true' })
  noteSettled(watch, await peer.settled(60_000), 60_000)
}
