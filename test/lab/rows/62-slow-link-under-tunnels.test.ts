import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { Client } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { startEcho } from '../network/echo.js'
import type { Rate } from '../network/gateway.js'
import type { PeerSettings } from '../peers/peer.js'
import { lab, type PeerRun, row, type Watch } from '../row.js'
import { type Chain, openChain, untilLeft } from './support/chain.js'
import { download, sha256 } from './support/data.js'
import { follow, needs } from './support/scene.js'
import { survival } from './support/watched.js'

leavesNothing()

const kbits = 400
const size = lab.full ? 4_000_000 : 1_200_000
const leastMs = (8 * size) / kbits
const mostMs = 3 * leastMs
const intervalMs = 1000
const keepalive = { interval: intervalMs, countMax: 3 } as const
const boundMs = 4 * intervalMs

row({
  number: 62,
  failure: 'a slow link is full of what goes through tunnels and over hosts',
  expected:
    'Takes any packet for a sign of life, of each host on the way; calls beside it are answered late, and no byte is lost.',
  how: 'tbf of 400 kbit/s between us and the first host, the way that the data goes; an upload and a download over two hosts, and what an echo server sends back through a forward. The others download',
  bound: 'kept: never dead, where a verdict is due after 4 s of silence (1 s x 3)',
  code: 'none: the commands and the tunnel end well',
  scale: { short: '1.2 MB each', full: '4 MB each' },
  needs: needs('9.2', '10'),
  async holdfast(t, watch) {
    watch.fault('the link carries 400 kbit/s, and is full')
    const times = await Promise.all([
      beside(t, { hosts: 2, direction: 'to-server', transfer: upload, watch }),
      beside(t, { hosts: 2, direction: 'to-client', transfer: downloadAll }),
      beside(t, { hosts: 0, direction: 'both', transfer: throughForward }),
    ])
    watch.outcome({ kind: 'kept', text: 'every byte came, and no host was given up' })
    // The link was as slow as this row says, and each transfer long enough for a verdict.
    assert.ok(leastMs > 1.5 * boundMs)
    for (const ms of times) assertWithin(ms, [0.9 * leastMs, mostMs])
  },
  peers: {
    ssh2: watchPeer({ keepaliveInterval: intervalMs }),
    openssh: watchPeer({ ServerAliveInterval: intervalMs / 1000 }),
  },
})

type Transfer = (ssh: Client, chain: Chain) => Promise<void>

interface Case {
  /** How many are on the way to the target. */
  readonly hosts: number
  readonly direction: NonNullable<Rate['direction']>
  readonly transfer: Transfer
  readonly watch?: Watch
}

/** @returns how long the transfer took */
async function beside(t: TestContext, { hosts, direction, transfer, watch }: Case): Promise<number> {
  const chain = await openChain(t, hosts)
  const hops = await chain.hops({ keepalive })
  const ssh = await login(t, chain.target, { keepalive, ...(hosts > 0 && { proxyJump: hops }) })
  const states = follow(ssh, watch)
  await slowDown(chain, direction)
  const since = performance.now()
  const running = transfer(ssh, chain)
  assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
  await running
  const tookMs = performance.now() - since
  assert.ok(!states.includes('dead'))
  assert.equal(ssh.liveness.state, 'alive')
  await ssh.close()
  if (hosts > 0) await untilLeft(chain)
  return tookMs
}

const upload: Transfer = async (ssh) => {
  const data = randomBytes(size)
  assert.equal((await ssh.exec('sha256sum', { stdin: data })).stdout.slice(0, 64), sha256(data))
}

const downloadAll: Transfer = async (ssh) => {
  const { stdout, stderr } = await ssh.exec(download(size), { encoding: 'buffer' })
  assert.equal(stdout.length, size)
  assert.equal(stderr.toString().slice(0, 64), sha256(stdout))
}

const throughForward: Transfer = async (ssh, { hosts: [host] }) => {
  assert.ok(host !== undefined)
  const forward = await ssh.forwardLocal({ to: await startEcho(host) })
  const socket = connect({ host: '127.0.0.1', port: forward.address.port ?? 0 })
  await once(socket, 'connect')
  const data = randomBytes(size)
  const back = await buffer(socket.end(data))
  assert.equal(sha256(back), sha256(data))
  await forward.close()
}

/** The hosts are close to one another; the cable of the first carries what comes from the next, too. */
async function slowDown({ gateway, hosts: [first] }: Chain, direction: Case['direction']): Promise<void> {
  assert.ok(first !== undefined)
  await gateway.rate({ kbits, host: first.address, direction })
}

function watchPeer(settings: PeerSettings): PeerRun {
  return async (t, client, watch) => {
    const chain = await openChain(t, 2)
    const { jumps, target } = chain
    const job = { job: 'exec', command: `sleep 1; ${download(size)}` } as const
    const peer = client.start({ ...target, jumps }, job, settings)
    await peer.event('ready', 10_000)
    await slowDown(chain, 'to-client')
    watch.fault('the link carries 400 kbit/s, and is full')
    const watchedMs = 2 * leastMs + 20_000
    watch.outcome(survival(watch, await peer.settled(watchedMs), watchedMs, peer))
  }
}
