/** How many sessions of the server the handles of one session take, whatever is given up. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  fclose,
  fread,
  open,
  type Ssh2Session,
  ssh2_auth_password,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_keepalive_config,
  ssh2_last_error,
  ssh2_set_timeout,
  ssh2_sftp,
  ssh2_sftp_stat,
  stream_get_contents,
} from 'holdfast/ext-ssh2'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { signalIfAlive } from '../servers/process-tree.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { given } from './session.js'
import { filesOf, sftpServers, signalSftpServers, withSftp } from './sftp-server.js'

const skip = skipReason(await prepareSshd('9.2'))

const config = { MaxSessions: '4' }

describe('the SFTP of a session', { skip, timeout: 120_000, concurrency: 2 }, () => {
  test('handles that are asked for at once share one', { timeout: 60_000 }, async (t) => {
    const { session, server } = await small(t)
    const handles = await Promise.all(Array.from({ length: 8 }, () => ssh2_sftp(session)))
    for (const handle of handles) assert.notEqual(await ssh2_sftp_stat(given(handle), '/'), false)
    assert.equal((await sftpServers(server)).length, 1)
    await lives(session)
  })

  test('who gives up does not end it for others', { timeout: 60_000 }, async (t) => {
    const { session, server } = await small(t)
    ssh2_keepalive_config(session, true, 0)
    await signalConnections(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    const hasty = ssh2_sftp(session)
    ssh2_set_timeout(session, 0)
    const patient = ssh2_sftp(session)
    assert.equal(await hasty, false)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    for (const { pid } of await server.processes()) signalIfAlive(pid, 'SIGCONT')
    assert.notEqual(await ssh2_sftp_stat(given(await patient), '/'), false)
    assert.equal((await sftpServers(server)).length, 1)
  })

  test('one on which calls were given up ends, however often', { timeout: 60_000 }, async (t) => {
    const { session, server } = await small(t)
    for (let round = 0; round < 6; round++) {
      ssh2_set_timeout(session, 0)
      const sftp = given(await ssh2_sftp(session))
      await signalSftpServers(server, 'SIGSTOP')
      ssh2_set_timeout(session, 0, 200_000)
      assert.equal(await ssh2_sftp_stat(sftp, '/'), false)
      await signalSftpServers(server, 'SIGCONT')
    }
    while ((await sftpServers(server)).length > 0) await delay(20, undefined, { signal: t.signal })
    ssh2_set_timeout(session, 0)
    await lives(session)
  })

  test('a handle goes on with the next one, and open files with theirs', { timeout: 60_000 }, async (t) => {
    const { session, server, sftp, at } = await withSftp(t)
    // More than one piece: a file that has been read to its end is closed.
    await writeFile(at('file'), Buffer.alloc(4_000_000, 'content'))
    const file = given(await open(`ssh2.sftp://${at('file')}`, { session: sftp }))
    const [frozen] = await sftpServers(server)
    assert.ok(frozen !== undefined)
    signalIfAlive(frozen, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_sftp_stat(sftp, at('file')), false)
    ssh2_set_timeout(session, 0)
    assert.notEqual(await ssh2_sftp_stat(sftp, at('file')), false)
    signalIfAlive(frozen, 'SIGCONT')
    assert.equal(String(await fread(file, 3)), 'con')
    assert.ok((await filesOf(frozen)).includes(at('file')))
    assert.equal(await fclose(file), true)
    while ((await sftpServers(server)).includes(frozen)) await delay(20, undefined, { signal: t.signal })
    assert.notEqual(await ssh2_sftp_stat(sftp, at('file')), false)
  })
})

/** A session of a server that gives few places. */
async function small(t: TestContext): Promise<{ readonly session: Ssh2Session; readonly server: SshdServer }> {
  const server = await sshd(t, { version: '9.2', config })
  const session = given(await ssh2_connect(server.host, server.port))
  t.after(() => ssh2_disconnect(session))
  assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
  return { session, server }
}

async function lives(session: Ssh2Session): Promise<void> {
  assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo lives'))), 'lives\n')
}
