import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Lookup } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { socketsTo } from '../../promises/support/sockets.js'
import type { SshdServer } from '../../servers/sshd.js'
import { login } from '../../session/sshd.js'
import { openLab } from '../network/lab.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { needs, slackMs } from './support/scene.js'

leavesNothing()

/** RFC 8305 section 5, the Connection Attempt Delay. */
const attemptDelayMs = 250
const name = 'two-addresses.test'

row({
  number: 16,
  failure: 'the first address of a name is black, the second fine',
  expected: 'Tries the second address a moment after the first, and takes whichever answers.',
  how: 'a name with two addresses; the gateway drops what goes to the first',
  bound: 'connected 250 ms later than with the second address alone (RFC 8305)',
  code: 'none: the connection is made',
  needs: needs('10'),
  async holdfast(t, watch) {
    const { server, black } = await twoAddresses(t)
    const lookup: Lookup = (_host, _options, done) => {
      const addresses = [black, server.host].map((address) => ({ address, family: 4 }))
      done(null, addresses)
    }
    watch.fault('connect() to the name')
    const ssh = await login(t, server, { host: name, socket: { lookup } })
    const ms = watch.since()
    watch.outcome({ kind: 'kept', ms, text: connected(ms) })
    assertWithin(ms, [attemptDelayMs, attemptDelayMs + slackMs])
    assert.deepEqual(await socketsTo(server.port, black), [])
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const { server, black } = await twoAddresses(t)
  const hosts = join(server.directory, 'hosts')
  await writeFile(hosts, [black, server.host].map((address) => `${address} ${name}\n`).join(''))
  watch.fault('connect() to the name')
  const peer = client.start({ ...server, host: name }, { job: 'exec', command: 'true' }, {}, knowing(hosts))
  const settled = await peer.settled(60_000)
  const ready = peer.events.find(({ event }) => event === 'ready')
  if (ready === undefined) noteSettled(watch, settled, 60_000)
  else watch.outcome({ kind: 'kept', ms: watch.since(ready.at), text: connected(watch.since(ready.at)) })
}

function connected(ms: number): string {
  return `connected after ${(ms / 1000).toFixed(1)} s`
}

/** With a hosts(5) file that nobody else sees. */
function knowing(hosts: string): readonly string[] {
  return ['unshare', '--mount', 'sh', '-ec', 'mount --bind "$0" /etc/hosts; exec "$@"', hosts]
}

async function twoAddresses(t: TestContext): Promise<{ readonly server: SshdServer; readonly black: string }> {
  const lab = await openLab({ hosts: 2 })
  t.after(() => lab.close())
  const [fine, other] = lab.hosts
  assert.ok(fine !== undefined && other !== undefined)
  await lab.gateway.drop({ direction: 'both', only: { address: other.address } })
  return { server: await fine.sshd({ version: '10' }), black: other.address }
}
