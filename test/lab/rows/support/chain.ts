/** Hosts behind one another: each is reached through those before it. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ConnectOptions } from 'holdfast'
import { socketsTo } from '../../../promises/support/sockets.js'
import type { SshdServer } from '../../../servers/sshd.js'
import type { Gateway } from '../../network/gateway.js'
import type { LabHost } from '../../network/host.js'
import { type LabOptions, openLab } from '../../network/lab.js'
import { slackMs } from './scene.js'

export interface Chain {
  readonly gateway: Gateway
  /** The machines of the servers, the target's at last. */
  readonly hosts: readonly LabHost[]
  /** In the order in which they are gone through. */
  readonly jumps: readonly SshdServer[]
  readonly target: SshdServer
  /** The hops as `proxyJump` takes them, each with these options besides what it needs to log in. */
  readonly hops: (options?: ConnectOptions) => Promise<readonly ConnectOptions[]>
  /** `host:port`, as errors have it. */
  readonly nameOf: (which: number | 'target') => string
  /** From now on no packet comes to this host, nor from it. */
  readonly lose: (server: SshdServer) => Promise<void>
}

/** A network of its own, with so many jump hosts and a target. */
export async function openChain(t: TestContext, jumpCount: number, options: LabOptions = {}): Promise<Chain> {
  const network = await openLab({ ...options, hosts: jumpCount + 1 })
  t.after(() => network.close())
  const servers = await Promise.all(
    network.hosts.map((host, index) => host.sshd({ version: index % 2 === 0 ? '9.2' : '10' })),
  )
  const target = servers.at(-1)
  assert.ok(target !== undefined)
  const jumps = servers.slice(0, -1)
  return {
    gateway: network.gateway,
    hosts: network.hosts,
    jumps,
    target,
    hops: (given = {}) => Promise.all(jumps.map((server) => hop(server, given))),
    nameOf(which) {
      const server = which === 'target' ? target : jumps[which]
      assert.ok(server !== undefined)
      return `${server.host}:${server.port}`
    },
    lose: ({ host }) => network.gateway.drop({ direction: 'both', only: { address: host } }),
  }
}

async function hop({ host, port, username, clientKeys }: SshdServer, given: ConnectOptions): Promise<ConnectOptions> {
  const privateKey = await readFile(clientKeys.ed25519.privateKey)
  return { host, port, username, privateKey, agent: false, hostKey: { policy: 'off' }, ...given }
}

/** Waits until this machine's kernel has nothing any more of the connection that all others went through. */
export async function untilLeft({ jumps: [first] }: Chain): Promise<void> {
  assert.ok(first !== undefined)
  for (const since = performance.now(); (await socketsTo(first.port, first.host)).length > 0; await pause(20)) {
    assert.ok(performance.now() - since < slackMs, 'the connection to the first host is still there')
  }
}
