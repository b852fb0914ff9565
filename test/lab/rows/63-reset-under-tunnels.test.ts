import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { login } from '../../session/sshd.js'
import { startEcho } from '../network/echo.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { type Chain, openChain, untilLeft } from './support/chain.js'
import { beginTransfers, makeTransfers } from './support/files.js'
import { follow, keepalive, needs, slackMs } from './support/scene.js'
import { flowTo } from './support/tunnels.js'
import { allFail } from './support/verdict.js'

leavesNothing()

const command = 'sleep 3000'
const code = 'ERR_SSH_CONNECTION_LOST'

row({
  number: 63,
  failure: 'the connection to a host on the way is reset, under tunnels and transfers',
  expected:
    'Everything that goes over it fails at once with one cause, which names the host; what goes through a forward is reset.',
  how: 'the first host ends its connection by a reset (ss -K), under a put(), a get() and a forward of the target behind it',
  bound: 'reported at once, with `hop`',
  code,
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    const chain = await openChain(t, 1)
    const ssh = await login(t, chain.target, { proxyJump: await chain.hops({ keepalive }), keepalive })
    follow(ssh, watch)
    const echo = await startEcho(targetHost(chain))
    const forward = await ssh.forwardLocal({ to: echo })
    const flow = await flowTo(forward.address)
    assert.ok(await flow.echoes('here'))
    const transfers = await makeTransfers(t, ssh, 16_000_000)
    await chain.gateway.rate({ kbits: 16_000 })
    const { put, get } = await beginTransfers(await ssh.sftp(), transfers)
    const pending = [put, get, ssh.exec(command), (await ssh.spawn(command)).exited]

    const failed = allFail(ssh, pending, { code, within: [0, slackMs], watch })
    await reset(chain, watch)
    const reason = await failed
    assert.deepEqual([reason.host, reason.hop], [chain.nameOf('target'), chain.nameOf(0)])
    assert.match(reason.message, /ECONNRESET/)
    assert.equal(await flow.failure(), 'ECONNRESET')
    assert.equal(await forward.closed, reason)
    await untilLeft(chain)
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

function targetHost({ hosts }: Chain) {
  const host = hosts.at(-1)
  assert.ok(host !== undefined)
  return host
}

/** That which it serves, and not its own to the next. */
async function reset({ hosts: [first], jumps: [server] }: Chain, watch: Watch): Promise<void> {
  assert.ok(first !== undefined && server !== undefined)
  watch.fault('the connection to the first host is reset')
  await first.run(['ss', '-tK', 'state', 'established', 'sport', '=', `:${server.port}`])
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const chain = await openChain(t, 1)
  const { jumps, target } = chain
  const peer = client.start({ ...target, jumps }, { job: 'exec', command })
  await peer.event('ready', 10_000)
  await reset(chain, watch)
  noteSettled(watch, await peer.settled(20_000), 20_000)
}
