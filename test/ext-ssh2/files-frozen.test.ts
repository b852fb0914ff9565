/** Files under PHP's functions where the server, or what serves them there, is frozen. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  fclose,
  fread,
  fwrite,
  open,
  scandir,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_keepalive_config,
  ssh2_last_error,
  ssh2_scp_recv,
  ssh2_scp_send,
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
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { running } from '../session/sshd.js'
import { given } from './session.js'
import { type SftpWorld, signalSftpServers, withSftp } from './sftp-server.js'

const skip = skipReason(await prepareSshd('9.2'))
const scp = { skip: existsSync('/usr/bin/scp') ? false : 'this machine has no scp' }

const large = 1_000_000_000

async function localFolder(t: TestContext): Promise<(name: string) => string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-frozen-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return (name) => path.join(folder, name)
}

/** Until some of it has come. */
async function growing({ signal }: TestContext, file: string): Promise<void> {
  while (!((await stat(file).catch(() => undefined))?.size ?? 0)) await delay(5, undefined, { signal })
}

/** From now on, and no sooner, a server that says nothing for 8 s is dead: one that is only slow before has its time. */
async function freeze({ session, server }: SftpWorld): Promise<void> {
  ssh2_keepalive_config(session, true, 2)
  await signalConnections(server, 'SIGSTOP')
}

/** Each of the functions of files, on one handle. */
function everyCall({ sftp, at }: SftpWorld): Promise<readonly unknown[]> {
  return Promise.all([
    ssh2_sftp_stat(sftp, at('file')),
    ssh2_sftp_lstat(sftp, at('file')),
    ssh2_sftp_readlink(sftp, at('link')),
    ssh2_sftp_realpath(sftp, at('file')),
    ssh2_sftp_rename(sftp, at('file'), at('other')),
    ssh2_sftp_unlink(sftp, at('file')),
    ssh2_sftp_mkdir(sftp, at('a/b/c'), 0o777, true),
    ssh2_sftp_rmdir(sftp, at('a')),
    ssh2_sftp_chmod(sftp, at('file'), 0o600),
    ssh2_sftp_symlink(sftp, 'file', at('link')),
    scandir(`ssh2.sftp://${at('')}`, { session: sftp }),
    open(`ssh2.sftp://${at('file')}`, { session: sftp, mode: 'r' }),
  ])
}

describe('files of a frozen server', { skip, timeout: 120_000, concurrency: 2 }, () => {
  test('each function answers once the server is dead', { timeout: 60_000 }, async (t) => {
    const world = await withSftp(t)
    const { session, sftp, at } = world
    const reader = given(await open(`ssh2.sftp://${at('new')}`, { session: sftp, mode: 'w+' }))
    const writer = given(await open(`ssh2.sftp://${at('written')}`, { session: sftp, mode: 'w' }))
    const other = given(await open(`ssh2.sftp://${at('closed')}`, { session: sftp, mode: 'w' }))
    await freeze(world)
    const answers = await Promise.all([
      everyCall(world),
      fread(reader, 10),
      fwrite(writer, Buffer.alloc(8_000_000)),
      fclose(other),
      ssh2_scp_recv(session, at('file'), '/dev/null'),
    ])
    assert.ok(
      answers.flat().every((answer) => answer === false),
      String(answers),
    )
    assert.equal(ssh2_last_error(sftp)?.code, 'ERR_SSH_PEER_DEAD')
    assert.equal(await fclose(reader), false)
    assert.equal(await fclose(writer), false)
    assert.equal(await ssh2_sftp(session), false)
    assert.equal(await ssh2_disconnect(session), true)
  })

  test('the start of SFTP', { timeout: 60_000 }, async (t) => {
    const world = await withSftp(t)
    const { session, server, sftp } = world
    await signalSftpServers(server, 'SIGKILL')
    while ((await ssh2_sftp_stat(sftp, '/')) !== false) await delay(5, undefined, { signal: t.signal })
    await freeze(world)
    assert.equal(await ssh2_sftp(session), false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_PEER_DEAD')
  })

  test('what serves the files is frozen, and nothing else', { timeout: 60_000 }, async (t) => {
    const world = await withSftp(t, { context: { holdfast: { limits: { sftp: 6000 } } } })
    const { session, server, sftp, at } = world
    await writeFile(at('file'), 'x')
    await signalSftpServers(server, 'SIGSTOP')
    assert.ok((await everyCall(world)).every((answer) => answer === false))
    assert.equal(ssh2_last_error(sftp)?.limit, 'sftp')
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo lives'))), 'lives\n')
    const another = given(await ssh2_sftp(session))
    assert.notEqual(await ssh2_sftp_stat(another, at('')), false)
    assert.equal(await ssh2_disconnect(session), true)
  })

  test('while a file comes by scp', { timeout: 60_000, ...scp }, async (t) => {
    const world = await withSftp(t)
    const { session, at } = world
    const here = await localFolder(t)
    await writeFile(at('large'), '')
    await truncate(at('large'), large)
    const fetched = ssh2_scp_recv(session, at('large'), here('got'))
    await growing(t, here('got'))
    await freeze(world)
    assert.equal(await fetched, false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_PEER_DEAD')
    // A part would look like the whole.
    assert.equal((await stat(here('got'))).size, 0)
    assert.equal(await ssh2_disconnect(session), true)
  })

  test('while a file is sent by scp', { timeout: 60_000, ...scp }, async (t) => {
    const world = await withSftp(t)
    const { session, at } = world
    const here = await localFolder(t)
    await writeFile(here('large'), '')
    await truncate(here('large'), large)
    const sent = ssh2_scp_send(session, here('large'), at('large'))
    await growing(t, at('large'))
    await freeze(world)
    assert.equal(await sent, false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_PEER_DEAD')
    assert.equal(await ssh2_disconnect(session), true)
  })

  test('a transfer that was given up ends there and here', { timeout: 60_000, ...scp }, async (t) => {
    const { session, server, at } = await withSftp(t)
    const here = await localFolder(t)
    for (const name of [here('large'), at('large')]) {
      await writeFile(name, '')
      await truncate(name, large)
    }
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_scp_send(session, here('large'), at('sent')), false)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    assert.equal(await ssh2_scp_recv(session, at('large'), here('got')), false)
    assert.equal((await stat(here('got')).catch(() => undefined))?.size ?? 0, 0)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    ssh2_set_timeout(session, 0)
    while ((await running(server)).some(({ name }) => name === 'scp')) await delay(20, undefined, { signal: t.signal })
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo lives'))), 'lives\n')
  })
})
