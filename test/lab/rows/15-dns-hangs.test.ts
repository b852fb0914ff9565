import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ConnectOptions, connect } from 'holdfast'
import { countBusy } from '../../promises/support/busy.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, sshd } from '../../session/sshd.js'
import { lab, noteSettled, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const limitMs = lab.full ? 10_000 : 2000

row({
  number: 15,
  failure: 'the look-up of the name hangs',
  expected: 'Bounds the look-up by itself; one that is slow and answers in time is waited for.',
  how: 'a look-up function that never calls back; for the others a name server that never answers',
  bound: 'reported within 10 s, the default of the limit `dns`',
  code: 'ERR_SSH_TIMEOUT',
  scale: { short: 'with the limit at 2 s', full: 'with the default limit' },
  needs: () => prepareSshd('10'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '10' })
    const options: ConnectOptions = { host: 'server.invalid', limits: lab.full ? {} : { dns: limitMs } }
    watch.fault('a connection to a name whose look-up hangs')
    const busyMs = countBusy()
    const hanging = failure(connect({ ...options, password: 'secret', socket: { lookup: () => {} } }))
    const ssh = await login(t, server, { ...options, socket: { lookup: slowly } })
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
    const { error, tookMs } = await hanging
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'the name was not resolved' })
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs, error.host],
      ['ERR_SSH_TIMEOUT', 'dns', 'dns', limitMs, 'server.invalid:22'],
    )
    assertWithin(tookMs, [limitMs, limitMs + busyMs() + 1500])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

/** They take no look-up from outside, so the resolver of their system asks a name server that never answers. */
async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const address = '127.0.0.153'
  // Whoever else does the same at the same time is not answered either.
  const nameServer = createSocket({ type: 'udp4', reuseAddr: true }).bind(53, address)
  t.after(() => nameServer.close())
  await once(nameServer, 'listening')
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-resolver-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'resolv.conf')
  await writeFile(file, `nameserver ${address}\n`)
  const inside = ['unshare', '--mount', 'sh', '-c', `mount --bind ${file} /etc/resolv.conf && exec "$@"`, 'sh']
  watch.fault('a connection to a name whose look-up hangs')
  const target = { host: 'server.example', port: 22, username: 'deploy', password: 'secret' }
  noteSettled(watch, await client.start(target, { job: 'idle' }, {}, inside).settled(40_000), 40_000)
}

const slowly: NonNullable<ConnectOptions['socket']>['lookup'] = (_host, _options, done) => {
  setTimeout(() => done(null, [{ address: '127.0.0.1', family: 4 }]), limitMs / 2)
}
