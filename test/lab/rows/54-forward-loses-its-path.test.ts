import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Forward } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { EchoFlow, startEcho } from '../network/echo.js'
import { type PeerClient, row, type Watch } from '../row.js'
import { due, follow, keepalive, needs, scene, vanish } from './support/scene.js'
import { askSocks, flowTo, forwardBy, noteEnd, socksReply, startTicker } from './support/tunnels.js'
import { peerIsDead } from './support/verdict.js'

leavesNothing()

const fault = 'the path of the SSH connection vanishes'

row({
  number: 54,
  failure: 'the path vanishes under the connections of a forward',
  expected:
    'Breaks off what goes through the forward, so that no program on either end waits for ever, and listens no more; the end of one direction was the end of that one alone.',
  how: 'every packet is dropped, both ways, under connections through forwardLocal() and forwardDynamic(): one that is idle, one that has said its end and is still read from',
  bound: 'each is reset within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_PEER_DEAD',
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const made = await scene(t, { version: '9.2' })
    const ssh = await login(t, made.server, { keepalive })
    follow(ssh, watch)
    const echo = await startEcho(made.lab.server)
    const forwards = [
      await ssh.forwardLocal({ to: echo }),
      await ssh.forwardLocal({ to: await startTicker(made.lab.server) }),
      await ssh.forwardDynamic(),
    ] as const
    const [local, ticking, dynamic] = forwards
    const flows = [await idleFlow(local), await halfClosedFlow(ticking), await socksFlow(dynamic, echo)]
    await vanish(made, watch, fault)
    const since = performance.now()
    const ends = flows.map(async (flow) => ({ code: await flow.failure(), ms: performance.now() - since }))
    const reason = await peerIsDead(ssh, [ssh.connectTo(echo), ssh.forwardRemote({ to: echo })], watch)
    for (const { code, ms } of await Promise.all(ends)) {
      assert.equal(code, 'ECONNRESET')
      assertWithin(ms, due)
    }
    for (const forward of forwards) {
      assert.equal(await forward.closed, reason)
      assert.deepEqual([forward.connections, forward.stats().open], [0, 0])
      await assert.rejects(flowTo(forward.address), { code: 'ECONNREFUSED' })
    }
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function idleFlow({ address }: Forward): Promise<EchoFlow> {
  const flow = await flowTo(address)
  assert.ok(await flow.echoes('here'))
  return flow
}

/** What its target says after our end goes on coming. */
async function halfClosedFlow({ address }: Forward): Promise<EchoFlow> {
  const flow = await flowTo(address)
  flow.socket.end('the last of it\n')
  assert.ok(await flow.receives('the last of it\nthe end came\ntick\ntick\ntick\n'))
  return flow
}

async function socksFlow(
  { address }: Forward,
  to: { readonly host: string; readonly port: number },
): Promise<EchoFlow> {
  const { socket, reply } = await askSocks(address, to)
  assert.equal(reply, socksReply.granted)
  const flow = new EchoFlow(socket)
  assert.ok(await flow.echoes('here'))
  return flow
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const made = await scene(t, { version: '9.2' })
  const flow = await forwardBy(t, client, made.server, { to: await startEcho(made.lab.server) })
  await vanish(made, watch, fault)
  await noteEnd(watch, flow, 20_000)
}
