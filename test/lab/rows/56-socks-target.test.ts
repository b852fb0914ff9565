import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import type { Forward, HoldfastError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { freePort } from '../../servers/port.js'
import { login } from '../../session/sshd.js'
import { EchoFlow } from '../network/echo.js'
import type { Endpoint } from '../network/relay.js'
import { lab, type PeerClient, row, type Watch } from '../row.js'
import { follow, keepalive, needs, slackMs } from './support/scene.js'
import { askSocks, openTargetScene, socksReply, type TargetScene } from './support/tunnels.js'

leavesNothing()

const openMs = lab.full ? 15_000 : 3000
const watchedMs = 30_000
/** The discard protocol, which nobody serves there. */
const closedPort = 9
const fault = 'a SOCKS client asks for a host that no packet reaches'

row({
  number: 56,
  failure: 'a SOCKS client wants what refuses it, or never answers',
  expected: 'Tells the client so in the words of SOCKS, within a bound, and goes on for others.',
  how: 'forwardDynamic(); one client asks for a port at which nobody listens, one for a host that no packet reaches (by ssh(1), this one), one for a server that is fine',
  bound: 'refused at once; given up after 15 s, the default of the limit `channelOpen`',
  code: 'ERR_SSH_CHANNEL_OPEN, ERR_SSH_TIMEOUT',
  scale: { short: 'with the limit at 3 s', full: 'with the default limit' },
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const { server, lost, fine } = await socksScene(t)
    const ssh = await login(t, server, { keepalive, limits: lab.full ? {} : { channelOpen: openMs } })
    const states = follow(ssh, watch)
    const forward = await ssh.forwardDynamic()

    const refused = await refusal(forward, { ...fine, port: closedPort })
    assert.deepEqual(
      [refused.reply, refused.error.code, refused.error.phase],
      [socksReply.refused, 'ERR_SSH_CHANNEL_OPEN', 'channelOpen'],
    )
    assertWithin(refused.ms, [0, slackMs])

    watch.fault(fault)
    const given = refusal(forward, lost)
    // Others do not wait for it.
    const { socket, reply } = await askSocks(forward.address, fine)
    const flow = new EchoFlow(socket)
    assert.equal(reply, socksReply.granted)
    assert.ok(await flow.echoes('here'))
    const { error, ms, reply: lastReply } = await given
    watch.outcome({ kind: 'reported', ms, text: `the client was told; ${error.code}, limit ${error.limit}` })
    assert.deepEqual(
      [lastReply, error.code, error.phase, error.limit, error.limitMs],
      [socksReply.failed, 'ERR_SSH_TIMEOUT', 'channelOpen', 'channelOpen', openMs],
    )
    assertWithin(ms, [openMs, openMs + slackMs])
    assert.ok(await flow.echoes('still here'))
    assert.deepEqual(states, [])
    const { accepted, failed, open } = forward.stats()
    assert.deepEqual([accepted, failed, open], [3, 2, 1])
    await forward.close()
    await flow.failure()
    // What nobody answered stays, for whatever comes late.
    while (ssh.stats().channels.some(({ abandoned }) => !abandoned)) await ssh.keepalive.send()
  },
  peers: { ssh2: 'speaks no SOCKS: that is the program’s part', openssh: watchPeer },
})

/** A client that gets no connection, and what both ends were told. */
async function refusal(forward: Forward, to: Endpoint) {
  const since = performance.now()
  const failure = once(forward, 'failure')
  const { socket, reply } = await askSocks(forward.address, to)
  const ms = performance.now() - since
  if (!socket.resume().closed) await once(socket, 'close')
  const [error] = (await failure) as [HoldfastError]
  return { reply, error, ms }
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const { server, lost } = await socksScene(t)
  const port = await freePort()
  const peer = client.start(server, { job: 'forward', port, to: 'socks' })
  await peer.event('callback', 10_000)
  watch.fault(fault)
  const asking = askSocks({ host: '127.0.0.1', port }, lost)
  const answer = await Promise.race([asking, peer.settled(watchedMs)])
  if (answer === 'never') watch.outcome({ kind: 'never', ms: watchedMs, text: 'its client waits' })
  else if ('reply' in answer) watch.outcome({ kind: 'reported', text: `its client was told: ${answer.reply ?? 'FIN'}` })
  else watch.outcome({ kind: 'failed', text: answer.text })
}

async function socksScene(t: TestContext): Promise<TargetScene> {
  const scene = await openTargetScene(t, '9.2')
  await scene.lose()
  return scene
}
