import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import {
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_last_error,
  ssh2_scp_recv,
  ssh2_scp_send,
  stream_get_contents,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { remoteFolder } from './remote-folder.js'
import { given, loggedIn } from './session.js'
import { warnings } from './warnings.js'

const isScpThere = existsSync('/usr/bin/scp')
const skip = skipReason(await prepareSshd('9.2')) || (isScpThere ? false : 'this machine has no scp')

async function world(t: TestContext) {
  const { session } = await loggedIn(t)
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-scp-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return { session, there: await remoteFolder(t, session), here: (name: string) => path.join(folder, name) }
}

describe('ssh2_scp_send() and ssh2_scp_recv()', { skip, timeout: 120_000 }, () => {
  test('a file goes there and back', async (t) => {
    const { session, there, here } = await world(t)
    const bytes = Buffer.alloc(1_000_001, 'scp')
    await writeFile(here('file'), bytes)
    assert.equal(await ssh2_scp_send(session, here('file'), there('a b')), true)
    assert.ok(bytes.equals(await readFile(there('a b'))))
    assert.equal(await ssh2_scp_recv(session, there('a b'), here('back')), true)
    assert.ok(bytes.equals(await readFile(here('back'))))
    await writeFile(here('empty'), '')
    assert.equal(await ssh2_scp_send(session, here('empty'), there('empty')), true)
    assert.equal(await ssh2_scp_recv(session, there('empty'), here('back')), true)
    assert.equal((await stat(here('back'))).size, 0)
  })

  test('permissions and times go there, and do not come back', async (t) => {
    const { session, there, here } = await world(t)
    await writeFile(here('file'), 'x')
    await chmod(here('file'), 0o640)
    await utimes(here('file'), 1e9, 1.1e9)
    assert.equal(await ssh2_scp_send(session, here('file'), there('own')), true)
    assert.equal(await ssh2_scp_send(session, here('file'), there('said'), 0o100_606), true)
    const [own, said] = [await stat(there('own')), await stat(there('said'))]
    assert.deepEqual([own.mode & 0o777, said.mode & 0o777], [0o640, 0o606])
    assert.deepEqual([own.mtimeMs, said.mtimeMs], [1.1e12, 1.1e12])
    await writeFile(here('back'), '')
    await chmod(here('back'), 0o600)
    assert.equal(await ssh2_scp_recv(session, there('said'), here('back')), true)
    const back = await stat(here('back'))
    assert.equal(back.mode & 0o777, 0o600)
    assert.notEqual(back.mtimeMs, 1.1e12)
  })

  test('what cannot be sent or fetched, and PHP words for it', async (t) => {
    const { session, there, here } = await world(t)
    await mkdir(here('directory'))
    await writeFile(here('file'), 'x')
    assert.equal(await ssh2_scp_send(session, here('file'), there('file')), true)
    const told = await warnings(async () => {
      assert.equal(await ssh2_scp_send(session, here('none'), there('x')), false)
      assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_SCP_LOCAL')
      assert.equal(await ssh2_scp_send(session, here('file'), there('none/x')), false)
      assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_SCP_FAILURE')
      assert.equal(await ssh2_scp_send(session, here('directory'), there('x')), false)
      assert.equal(await ssh2_scp_recv(session, there('none'), here('got')), false)
      assert.equal(await ssh2_scp_recv(session, there('.'), here('got')), false)
      assert.equal(await ssh2_scp_recv(session, there('file'), here('none/got')), false)
      assert.equal(await ssh2_scp_recv(session, there('two\nlines'), here('got')), false)
    })
    assert.deepEqual(
      told.map((text) => text.slice(0, text.indexOf(':', 20))),
      [
        'ssh2_scp_send(): Unable to read source file',
        'ssh2_scp_send(): Failure creating remote file',
        'ssh2_scp_send(): Failure creating remote file',
        'ssh2_scp_recv(): Unable to receive remote file',
        'ssh2_scp_recv(): Unable to receive remote file',
        'ssh2_scp_recv(): Unable to write to local file',
        'ssh2_scp_recv(): Unable to receive remote file',
      ],
    )
    await assert.rejects(stat(here('got')), { code: 'ENOENT' })
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo lives'))), 'lives\n')
  })

  test('without a login, after the end, and wrong types', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const session = given(await ssh2_connect(server.host, server.port))
    assert.equal(await ssh2_scp_recv(session, 'x', 'y'), false)
    assert.match(ssh2_last_error(session)?.message ?? '', /^Connection not authenticated/)
    await ssh2_disconnect(session)
    const { session: ended, there, here } = await world(t)
    await writeFile(here('file'), 'x')
    await ssh2_disconnect(ended)
    assert.equal(await ssh2_scp_send(ended, here('file'), there('file')), false)
    assert.equal(ssh2_last_error(ended)?.code, 'ERR_SSH_CLOSED')
    await assert.rejects(ssh2_scp_send(ended, here('file'), there('file'), '0644' as unknown as number), {
      name: 'TypeError',
      message: 'ssh2_scp_send(): Argument #4 ($create_mode) must be of type int, string given',
    })
  })
})
