import assert from 'node:assert/strict'
import { chmod, lstat, mkdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import {
  SCANDIR_SORT_DESCENDING,
  SCANDIR_SORT_NONE,
  type Ssh2Sftp,
  scandir,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_last_error,
  ssh2_set_timeout,
  ssh2_sftp,
  ssh2_sftp_chmod,
  ssh2_sftp_lstat,
  ssh2_sftp_mkdir,
  ssh2_sftp_readlink,
  ssh2_sftp_realpath,
  ssh2_sftp_rename,
  ssh2_sftp_rmdir,
  ssh2_sftp_stat,
  ssh2_sftp_symlink,
  ssh2_sftp_unlink,
  stream_get_contents,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { given } from './session.js'
import { sftpServers, signalSftpServers, withSftp } from './sftp-server.js'
import { warnings } from './warnings.js'

const skip = skipReason(await prepareSshd('9.2'))

describe('ssh2_sftp() and the functions of files', { skip, timeout: 120_000 }, () => {
  test('a handle', async (t) => {
    const { session, sftp } = await withSftp(t)
    assert.equal(Object.prototype.toString.call(sftp), '[object SSH2 SFTP]')
    assert.notEqual(await ssh2_sftp(session), sftp)
  })

  test('directories', async (t) => {
    const { sftp, at } = await withSftp(t)
    assert.equal(await ssh2_sftp_mkdir(sftp, at('one')), true)
    assert.equal(await ssh2_sftp_mkdir(sftp, at('one')), false)
    assert.equal(await ssh2_sftp_mkdir(sftp, at('none/two')), false)
    assert.equal(await ssh2_sftp_mkdir(sftp, at('none/two/three'), 0o750, true), true)
    assert.equal(await ssh2_sftp_mkdir(sftp, at('none/two/three'), 0o750, true), false)
    assert.equal(await ssh2_sftp_mkdir(sftp, at('slash/'), 0o750, true), true)
    assert.equal((await stat(at('none/two/three'))).mode & 0o777, 0o750)
    assert.equal(await ssh2_sftp_rmdir(sftp, at('none')), false)
    assert.equal(await ssh2_sftp_rmdir(sftp, at('one')), true)
    await assert.rejects(stat(at('one')), { code: 'ENOENT' })
  })

  test('a path of another realm, as that of a vm context', async (t) => {
    const { sftp, at } = await withSftp(t)
    const foreign = runInNewContext('Uint8Array.from(bytes)', { bytes: [...Buffer.from(at('one'))] }) as Uint8Array
    assert.ok(!(foreign instanceof Uint8Array))
    assert.equal(await ssh2_sftp_mkdir(sftp, foreign), true)
    assert.equal((await stat(at('one'))).isDirectory(), true)
  })

  test('what a file is', async (t) => {
    const { sftp, at } = await withSftp(t)
    await writeFile(at('file'), 'hello world')
    await symlink(at('file'), at('link'))
    const here = await stat(at('file'))
    const mtime = Math.floor(here.mtimeMs / 1000)
    const atime = Math.floor(here.atimeMs / 1000)
    const { uid, gid, mode } = here
    const expected = { size: 11, 7: 11, uid, 4: uid, gid, 5: gid, mode, 2: mode, mtime, 9: mtime, atime, 8: atime }
    assert.deepEqual(await ssh2_sftp_stat(sftp, at('file')), expected)
    assert.deepEqual(await ssh2_sftp_stat(sftp, at('link')), expected)
    assert.equal(given(await ssh2_sftp_lstat(sftp, at('link'))).mode, (await lstat(at('link'))).mode)
    assert.equal(await ssh2_sftp_stat(sftp, at('none')), false)
    assert.equal(ssh2_last_error(sftp)?.code, 'ENOENT')
    assert.equal(await ssh2_sftp_stat(sftp, ''), false)
  })

  test('permissions', async (t) => {
    const { sftp, at } = await withSftp(t)
    await mkdir(at('mine'))
    await chmod(at('mine'), 0o777)
    assert.equal(await ssh2_sftp_mkdir(sftp, at('mine/made')), true)
    assert.equal(await ssh2_sftp_chmod(sftp, at('mine/made'), 0o1711), true)
    assert.equal((await stat(at('mine/made'))).mode & 0o7777, 0o1711)
    assert.equal(await ssh2_sftp_chmod(sftp, at('none'), 0o600), false)
    assert.equal(await ssh2_sftp_chmod(sftp, at('mine/made'), -1), false)
    assert.equal(ssh2_last_error(sftp)?.code, 'ERR_SSH_OPTION')
  })

  test('links', async (t) => {
    const { sftp, at } = await withSftp(t)
    assert.equal(await ssh2_sftp_symlink(sftp, 'target', at('link')), true)
    assert.equal(await readlink(at('link')), 'target')
    assert.equal(await ssh2_sftp_symlink(sftp, 'other', at('link')), false)
    assert.equal(await ssh2_sftp_readlink(sftp, at('link')), 'target')
    assert.equal(await ssh2_sftp_readlink(sftp, at('none')), false)
  })

  test('where a path leads', async (t) => {
    const { sftp, at } = await withSftp(t)
    assert.equal(await ssh2_sftp_realpath(sftp, at('./none')), at('none'))
    const home = given(await ssh2_sftp_realpath(sftp, '.'))
    assert.match(home, /^\//)
    assert.equal(await ssh2_sftp_realpath(sftp, ''), home)
    assert.equal(await ssh2_sftp_realpath(sftp, at('none/none')), false)
  })

  test('names', async (t) => {
    const { sftp, at } = await withSftp(t)
    await writeFile(at('old'), 'old')
    await writeFile(at('other'), 'other')
    assert.equal(await ssh2_sftp_rename(sftp, at('old'), at('other')), false)
    assert.equal(await readFile(at('other'), 'utf8'), 'other')
    assert.equal(await ssh2_sftp_rename(sftp, at('old'), at('new')), true)
    assert.equal(await readFile(at('new'), 'utf8'), 'old')
    assert.equal(await ssh2_sftp_rename(sftp, at('old'), at('newer')), false)
    assert.equal(ssh2_last_error(sftp)?.code, 'ENOENT')
    assert.equal(await ssh2_sftp_unlink(sftp, at('new')), true)
    assert.equal(await ssh2_sftp_unlink(sftp, at('new')), false)
  })

  test('a name that is not UTF-8', async (t) => {
    const { sftp, at } = await withSftp(t)
    const name = Buffer.concat([Buffer.from(at('')), Buffer.of(0xe4)])
    assert.equal(await ssh2_sftp_mkdir(sftp, name), true)
    assert.equal((await stat(name)).isDirectory(), true)
    assert.equal(await ssh2_sftp_rmdir(sftp, name), true)
  })

  test('what PHP warns of, and what it does not', async (t) => {
    const { session, sftp, at } = await withSftp(t)
    const quiet = await warnings(async () => {
      assert.equal(await ssh2_sftp_unlink(sftp, at('none')), false)
      assert.equal(await ssh2_sftp_rmdir(sftp, at('none')), false)
      assert.equal(await ssh2_sftp_rename(sftp, at('none'), at('other')), false)
      assert.equal(await ssh2_sftp_mkdir(sftp, at('none/none')), false)
      assert.equal(await ssh2_sftp_chmod(sftp, at('none'), 0o600), false)
      assert.equal(await ssh2_sftp_symlink(sftp, 'x', at('none/none')), false)
    })
    assert.deepEqual(quiet, [])
    assert.equal(ssh2_last_error(sftp)?.code, 'ENOENT')
    assert.equal(ssh2_last_error(session), ssh2_last_error(sftp))
    const told = await warnings(async () => {
      await ssh2_sftp_stat(sftp, at('none'))
      await ssh2_sftp_lstat(sftp, at('none'))
      await ssh2_sftp_readlink(sftp, at('none'))
      await ssh2_sftp_realpath(sftp, at('none/none'))
    })
    assert.deepEqual(
      told.map((text) => text.replace(/: ENOENT: .*$/s, '')),
      [
        'ssh2_sftp_stat(): Failed to stat remote file',
        'ssh2_sftp_lstat(): Failed to stat remote file',
        `ssh2_sftp_readlink(): Unable to read link '${at('none')}'`,
        `ssh2_sftp_realpath(): Unable to resolve realpath for '${at('none/none')}'`,
      ],
    )
  })

  test('what is in a directory', async (t) => {
    const { session, sftp, at } = await withSftp(t)
    await mkdir(at('b'))
    await writeFile(at('a'), '')
    await writeFile(at('c d'), '')
    const url = `ssh2.sftp://${at('')}`
    const names = ['.', '..', 'a', 'b', 'c d']
    assert.deepEqual(await scandir(url, { session: sftp }), names)
    assert.deepEqual(await scandir(url, { session }), names)
    assert.deepEqual(await scandir(url, { session, sorting_order: SCANDIR_SORT_DESCENDING }), [
      'c d',
      'b',
      'a',
      '..',
      '.',
    ])
    const unsorted = given(await scandir(url, { session, sorting_order: SCANDIR_SORT_NONE }))
    assert.deepEqual(unsorted.toSorted(), names)
    const told = await warnings(async () => {
      assert.equal(await scandir(`ssh2.sftp://${at('none')}`, { session }), false)
      assert.equal(await scandir(`ssh2.sftp://${at('a')}`, { session }), false)
      assert.equal(await scandir('ssh2.exec:///true', { session }), false)
      assert.equal(await scandir(`ssh2.sftp://host${at('')}`, { session }), false)
    })
    assert.equal(told.length, 4)
    assert.ok(told[0]?.startsWith(`scandir(): Unable to open ${at('none')} on remote host: ENOENT`), told[0])
    await assert.rejects(scandir(url, { session: 'x' as unknown as Ssh2Sftp }), TypeError)
  })

  test('many handles of one session take one of its places on the server', async (t) => {
    const { session, server, at } = await withSftp(t)
    // Of which sshd has 10.
    for (let count = 0; count < 15; count++) {
      const sftp = given(await ssh2_sftp(session))
      assert.equal(given(await ssh2_sftp_stat(sftp, at(''))).mode !== undefined, true)
    }
    assert.equal((await sftpServers(server)).length, 1)
  })

  test('a handle whose SFTP server was killed, and a new one', async (t) => {
    const { session, server, sftp, at } = await withSftp(t)
    await signalSftpServers(server, 'SIGKILL')
    assert.equal(await ssh2_sftp_stat(sftp, at('')), false)
    const again = given(await ssh2_sftp(session))
    assert.notEqual(await ssh2_sftp_stat(again, at('')), false)
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo lives'))), 'lives\n')
  })

  test('a limit on waiting', async (t) => {
    const { session, server, sftp, at } = await withSftp(t)
    await signalSftpServers(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_sftp_stat(sftp, at('')), false)
    assert.equal(ssh2_last_error(sftp)?.limit, 'timeout')
    assert.equal(await ssh2_disconnect(session), true)
  })

  test('without a login, after the end, and wrong types', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const session = given(await ssh2_connect(server.host, server.port))
    assert.equal(await ssh2_sftp(session), false)
    assert.match(ssh2_last_error(session)?.message ?? '', /^Connection not authenticated/)
    await ssh2_disconnect(session)

    const ended = await withSftp(t)
    await ssh2_disconnect(ended.session)
    assert.equal(await ssh2_sftp_stat(ended.sftp, '/'), false)
    assert.equal(ssh2_last_error(ended.sftp)?.code, 'ERR_SSH_CLOSED')
    assert.equal(await ssh2_sftp(ended.session), false)
    const wrong: unknown = session
    await assert.rejects(ssh2_sftp_stat(wrong as Ssh2Sftp, '/'), TypeError)
    await assert.rejects(ssh2_sftp_mkdir(ended.sftp, '/x', '0777' as unknown as number), {
      name: 'TypeError',
      message: 'ssh2_sftp_mkdir(): Argument #3 ($mode) must be of type int, string given',
    })
  })
})
