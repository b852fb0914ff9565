import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { sshOptions } from '../../servers/ssh-command.js'
import type { SshdServer } from '../../servers/sshd.js'
import { login } from '../../session/sshd.js'
import { openLab } from '../network/lab.js'
import { lab, noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { keepalive, needs, slackMs } from './support/scene.js'
import { peerIsDead } from './support/verdict.js'

leavesNothing()

const limitMs = lab.full ? 10_000 : 2000

row({
  number: 17,
  failure: 'the jump host is fine, the target behind it unreachable',
  expected: 'Has the same deadlines over any stream: for the handshake, and for a target that vanishes later.',
  how: 'ProxyCommand `ssh -W %h:%p jump`; the gateway drops what goes from the jump host to the target',
  bound:
    'reported within 10 s, the default of the limit `identification`; later within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_TIMEOUT',
  scale: { short: 'a limit of 2 s', full: 'the limit as it comes, 10 s' },
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    await Promise.all([neverReached(t, watch), vanished(t)])
  },
  peers: {
    ssh2: 'takes a stream that the program makes, and has no way of its own over a jump host',
    openssh: watchPeer,
  },
})

async function neverReached(t: TestContext, watch: Watch): Promise<void> {
  const { jump, target, lose } = await jumpScene(t)
  await lose()
  watch.fault('connect() to a target that no packet reaches')
  const limits = lab.full ? {} : { identification: limitMs }
  const { error, tookMs } = await failure(login(t, target, { proxyCommand: by(jump), limits }))
  watch.outcome({ kind: 'reported', ms: tookMs, text: error.code })
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs],
    ['ERR_SSH_TIMEOUT', 'identification', 'identification', limitMs],
  )
  assertWithin(tookMs, [limitMs, limitMs + slackMs])
  await assertLeft(jump)
}

async function vanished(t: TestContext): Promise<void> {
  const { jump, target, lose } = await jumpScene(t)
  // Two logins, of which ssh(1) makes one: nothing that this row is about.
  const ssh = await login(t, target, { proxyCommand: by(jump), keepalive, limits: { identification: '30s' } })
  const pending = [ssh.exec('sleep 3000'), (await ssh.spawn('sleep 3000')).exited]
  await lose()
  await peerIsDead(ssh, pending)
  await assertLeft(jump)
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const { jump, target, lose } = await jumpScene(t)
  await lose()
  watch.fault('a login to a target that no packet reaches')
  const peer = client.start(target, { job: 'exec', command: 'true' }, { ProxyCommand: by(jump) })
  noteSettled(watch, await peer.settled(60_000), 60_000)
}

interface JumpScene {
  readonly jump: SshdServer
  readonly target: SshdServer
  readonly lose: () => Promise<void>
}

async function jumpScene(t: TestContext): Promise<JumpScene> {
  const network = await openLab({ hosts: 2 })
  t.after(() => network.close())
  const [near, far] = network.hosts
  assert.ok(near !== undefined && far !== undefined)
  const [jump, target] = await Promise.all([near.sshd({ version: '9.2' }), far.sshd({ version: '10' })])
  return { jump, target, lose: () => network.gateway.drop({ direction: 'both', only: { address: far.address } }) }
}

/** A ProxyCommand. */
function by(jump: SshdServer): string {
  return ['ssh', ...sshOptions(jump), '-W', '%h:%p', `${jump.username}@${jump.host}`].join(' ')
}

/** The proxy command is ended, and with it our connection to the jump host. */
async function assertLeft({ host, port }: SshdServer): Promise<void> {
  for (const since = performance.now(); (await socketsTo(port, host)).length > 0; await pause(20)) {
    assert.ok(performance.now() - since < slackMs, 'the connection to the jump host is still there')
  }
}
