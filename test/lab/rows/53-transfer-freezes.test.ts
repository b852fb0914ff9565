import assert from 'node:assert/strict'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { lab, noteSettled, type PeerClient, row, type Watch } from '../row.js'
import {
  beginTransfers,
  freezeSftpServer,
  makeTransfers,
  putBy,
  resumeTransfers,
  untilNothingRuns,
} from './support/files.js'
import { follow, keepalive, needs, scene, slackMs } from './support/scene.js'

leavesNothing()

const kbits = 16_000
const size = 16_000_000
const limitMs = lab.full ? 15_000 : 3000
/** A reply that comes once the process stands still was on its way then. */
const onItsWayMs = 600
const watchedMs = 20_000
const version = '9.2'

row({
  number: 53,
  failure: 'the process of the SFTP server freezes in the middle of a transfer',
  expected:
    'Ends put() and get() by the deadline of their requests, not of the connection: it lives, and in another session on it both go on where they were.',
  how: 'SIGSTOP to sftp-server in the middle of a put() and a get() at 2 MB/s, while sshd answers probes. The others put one file',
  bound: 'reported 15 s after the last answer, the default of the limit `sftp`',
  code: 'ERR_SSH_TIMEOUT',
  scale: { short: 'with the limit at 3 s', full: 'with the default limit' },
  needs: needs(version),
  async holdfast(t, watch) {
    const { gateway, server } = await scene(t, { version })
    const ssh = await login(t, server, { keepalive, limits: lab.full ? {} : { sftp: limitMs } })
    const states = follow(ssh, watch)
    const transfers = await makeTransfers(t, ssh, size)
    const sftp = await ssh.sftp()
    await gateway.rate({ kbits })
    const { put, get } = await beginTransfers(sftp, transfers)
    const frozen = await freezeSftpServer(server, watch)
    const failures = await Promise.all([put, get].map(failure))
    watch.outcome({ kind: 'reported', text: 'ERR_SSH_TIMEOUT, limit sftp; the connection lives' })
    for (const { error, tookMs } of failures) {
      assert.deepEqual(
        [error.code, error.phase, error.limit, error.limitMs],
        ['ERR_SSH_TIMEOUT', 'request', 'sftp', limitMs],
      )
      assertWithin(tookMs, [limitMs - onItsWayMs, limitMs + slackMs])
    }
    assert.equal((await ssh.exec('echo alive')).stdout, 'alive\n')
    assert.deepEqual(states, [])

    const other = await ssh.sftp()
    await gateway.unlimited()
    await resumeTransfers(other, transfers)
    // What it was still to do is done, and changes nothing.
    process.kill(frozen, 'SIGCONT')
    assert.ok((await sftp.stat('/etc')).isDirectory())
    assert.ok(await transfers.areWhole())
    await Promise.all([sftp.close(), other.close()])
    await untilNothingRuns(server)
    assert.deepEqual(ssh.stats().channels, [])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const made = await scene(t, { version })
  const peer = await putBy(t, client, made, { size, kbits })
  const frozen = await freezeSftpServer(made.server, watch)
  noteSettled(watch, await peer.settled(watchedMs), watchedMs)
  process.kill(frozen, 'SIGCONT')
}
