import assert from 'node:assert/strict'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, running, sshd } from '../../session/sshd.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { freezeSftpServer } from './support/files.js'
import { slackMs, watchedMs } from './support/scripted.js'

leavesNothing()

const limitMs = 2000
const version = '9.2'

row({
  number: 43,
  failure: 'the process of the SFTP server is frozen, under a connection that is healthy',
  expected:
    'Each call fails by its own deadline; all else of the connection goes on, and so does SFTP once the process does.',
  how: 'SIGSTOP to sftp-server, while sshd answers probes',
  bound: 'reported within 2 s (limit sftp)',
  code: 'ERR_SSH_TIMEOUT',
  needs: () => prepareSshd(version),
  async holdfast(t, watch) {
    const server = await sshd(t, { version })
    const ssh = await login(t, server, { keepalive: { interval: 1000, countMax: 3 }, limits: { sftp: limitMs } })
    const sftp = await ssh.sftp()
    const handle = await sftp.open('/etc/passwd')
    const frozen = await freezeSftpServer(server, watch)
    const calls = [
      sftp.stat('/etc'),
      sftp.readFile('/etc/passwd'),
      sftp.readdir('/etc'),
      sftp.createReadStream('/etc/passwd').toArray(),
      handle.read(Buffer.alloc(10)),
    ]
    for (const { error, tookMs } of await Promise.all(calls.map(failure))) {
      assert.deepEqual(
        [error.code, error.phase, error.limit, error.limitMs],
        ['ERR_SSH_TIMEOUT', 'request', 'sftp', limitMs],
      )
      assertWithin(tookMs, [limitMs, limitMs + slackMs])
    }
    watch.outcome({ kind: 'reported', text: 'ERR_SSH_TIMEOUT, limit sftp' })

    // The rest of the connection is as it was.
    assert.equal((await ssh.exec('echo alive')).stdout, 'alive\n')
    const other = await ssh.sftp()
    assert.ok((await other.stat('/etc')).isDirectory())
    await other.close()
    assert.equal(ssh.liveness.state, 'alive')
    // So is SFTP, once it answers: what comes late is for nobody.
    process.kill(frozen, 'SIGCONT')
    assert.ok((await sftp.stat('/etc')).isDirectory())
    assert.equal((await handle.read(Buffer.alloc(4))).buffer.toString(), 'root')
    await handle.close()
    await sftp.close()
    assert.deepEqual(await running(server), [])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version })
  const peer = client.start(server, { job: 'sftp' })
  await peer.event('ready', 10_000)
  // OpenSSH's sftp has opened it by itself.
  if (client.name === 'npm ssh2') peer.do({ step: 'sftp' })
  await peer.event('callback', 10_000)
  const frozen = await freezeSftpServer(server, watch)
  peer.do({ step: 'stat', path: '/etc' })
  noteSettled(watch, await peer.settled(watchedMs), watchedMs)
  process.kill(frozen, 'SIGCONT')
}
