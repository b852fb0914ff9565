/** Files of a server as PHP's streams. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  fclose,
  feof,
  fgets,
  fread,
  fseek,
  ftell,
  fwrite,
  open,
  rewind,
  SEEK_CUR,
  SEEK_END,
  type Ssh2Sftp,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_last_error,
  ssh2_set_timeout,
  ssh2_sftp_stat,
  stream_get_contents,
  stream_get_meta_data,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { given } from './session.js'
import { filesOf, sftpServers, signalSftpServers, withSftp } from './sftp-server.js'

const skip = skipReason(await prepareSshd('9.2'))

const mostFiles = 24
/** What the server runs may have so many files open. */
const fewFiles = { ForceCommand: `ulimit -n ${mostFiles}; exec sh -c "$SSH_ORIGINAL_COMMAND"` }

const fopen = (sftp: Ssh2Sftp, path: string, mode: string) => open(`ssh2.sftp://${path}`, { session: sftp, mode })

describe('a file of a server as a stream of PHP', { skip, timeout: 120_000 }, () => {
  test('reading', async (t) => {
    const { sftp, at } = await withSftp(t)
    await writeFile(at('file'), 'one\ntwo\n\u00e4 three')
    const file = given(await fopen(sftp, at('file'), 'rb'))
    assert.equal(await fgets(file), 'one\n')
    assert.equal(ftell(file), 4)
    assert.equal(String(await fread(file, 2)), 'tw')
    assert.equal(await fgets(file), 'o\n')
    assert.equal(feof(file), false)
    assert.equal(await fgets(file), '\u00e4 three')
    assert.equal(feof(file), true)
    assert.equal(await fgets(file), false)
    assert.equal(await fclose(file), true)
  })

  test('what a mode allows', async (t) => {
    const { sftp, at } = await withSftp(t)
    await writeFile(at('file'), 'there')
    await chmod(at('file'), 0o666)
    const reader = given(await fopen(sftp, at('file'), 'r'))
    assert.equal(await fwrite(reader, 'no'), false)
    assert.equal(ssh2_last_error(reader)?.code, 'ERR_SSH_OPTION')
    assert.equal(await stream_get_contents(reader), 'there')
    assert.equal(await fclose(reader), true)

    assert.equal(await fopen(sftp, at('file'), 'x'), false)
    assert.equal(await fopen(sftp, at('none'), 'r'), false)
    assert.equal(await fopen(sftp, at('none'), 'r+'), false)
    assert.equal(await fopen(sftp, at('none'), 'z'), false)
    assert.match(ssh2_last_error(sftp)?.message ?? '', /mode 'z' is none of/)

    const writer = given(await fopen(sftp, at('file'), 'w'))
    assert.equal((await stat(at('file'))).size, 0)
    assert.equal(await fread(writer, 10), false)
    assert.equal(feof(writer), false)
    assert.equal(await fwrite(writer, 'ab'), 2)
    assert.equal(await fwrite(writer, Buffer.from('cd')), 2)
    // What was written is there before the file is closed.
    assert.equal(await readFile(at('file'), 'utf8'), 'abcd')
    assert.equal(await fclose(writer), true)
  })

  test('new files, and what is appended', async (t) => {
    const { sftp, at } = await withSftp(t)
    for (const mode of ['x', 'x+', 'a', 'a+', 'w+b']) {
      const file = given(await fopen(sftp, at(mode), mode))
      assert.equal(await fwrite(file, 'new'), 3)
      assert.equal(await fclose(file), true)
      assert.equal((await stat(at(mode))).mode & 0o777, 0o644)
    }
    const file = given(await fopen(sftp, at('a'), 'a'))
    assert.equal(await fwrite(file, '-1'), 2)
    assert.equal(await fwrite(file, '-2'), 2)
    assert.equal(await fclose(file), true)
    assert.equal(await readFile(at('a'), 'utf8'), 'new-1-2')
    const both = given(await fopen(sftp, at('a+'), 'a+'))
    assert.equal(await fwrite(both, '-app'), 4)
    assert.equal(await rewind(both), true)
    assert.equal(await stream_get_contents(both), 'new-app')
    assert.equal(await fclose(both), true)
  })

  test('reading and writing at one position', async (t) => {
    const { sftp, at } = await withSftp(t)
    await writeFile(at('file'), '0123456789')
    await chmod(at('file'), 0o666)
    const file = given(await fopen(sftp, at('file'), 'r+'))
    assert.equal(String(await fread(file, 2)), '01')
    assert.equal(await fwrite(file, 'XY'), 2)
    assert.equal(ftell(file), 4)
    assert.equal(String(await fread(file, 2)), '45')
    assert.equal(await fseek(file, -1, SEEK_CUR), 0)
    assert.equal(await fwrite(file, 'Z'), 1)
    assert.equal(await fseek(file, -2, SEEK_END), 0)
    assert.equal(ftell(file), 8)
    assert.equal(await fwrite(file, '!'), 1)
    assert.equal(String(await fread(file, 1)), '9')
    assert.equal(await rewind(file), true)
    assert.equal(await stream_get_contents(file), '01XY4Z67!9')
    assert.equal(await fwrite(file, 'more'), 4)
    assert.equal(await fseek(file, 0), -1)
    assert.match(ssh2_last_error(file)?.message ?? '', /read to its end/)
    assert.equal(await fclose(file), true)
    assert.equal(await readFile(at('file'), 'utf8'), '01XY4Z67!9more')
  })

  test('what was read of a file takes nothing behind it, so that it can be read from elsewhere', async (t) => {
    const { sftp, at } = await withSftp(t)
    await writeFile(at('file'), 'hello world')
    const file = given(await fopen(sftp, at('file'), 'r'))
    for (const [position, text] of [
      [4, 'o'],
      [8, 'r'],
      [9, 'ld'],
    ] as const) {
      assert.equal(await fseek(file, position), 0)
      assert.equal(String(await fread(file, text.length)), text)
      // What had been asked for ahead of it has its answer by then.
      for (let trips = 0; trips < 3; trips++) assert.ok(await ssh2_sftp_stat(sftp, at('file')))
      assert.equal(feof(file), false)
    }
    assert.equal(await fclose(file), true)
  })

  test('positions that are none, and streams that have none', async (t) => {
    const { session, sftp, at } = await withSftp(t)
    const file = given(await fopen(sftp, at('file'), 'w+'))
    assert.equal(await fseek(file, -1), -1)
    assert.equal(await fseek(file, 0, 7), -1)
    assert.equal(await fwrite(file, 'new'), 3)
    assert.equal(await fseek(file, 1), 0)
    const written = fwrite(file, 'x')
    assert.equal(await fseek(file, 0), -1)
    assert.equal(await written, 1)
    assert.equal(String(await fread(file, 9)), 'w')
    await fclose(file)
    const command = given(await ssh2_exec(session, 'true'))
    assert.equal(await fseek(command, 0), -1)
    assert.equal(ftell(command), false)
    await assert.rejects(fseek(file, 'x' as unknown as number), TypeError)
  })

  test('a large file, in pieces and whole', async (t) => {
    const { sftp, at } = await withSftp(t)
    const bytes = Buffer.from(Array.from({ length: 3_000_001 }, (_, index) => index % 251))
    const writer = given(await fopen(sftp, at('large'), 'w'))
    assert.equal(await fwrite(writer, bytes.subarray(0, 2_000_000)), 2_000_000)
    assert.equal(await fwrite(writer, bytes.subarray(2_000_000)), 1_000_001)
    assert.equal(await fclose(writer), true)
    assert.ok(bytes.equals(await readFile(at('large'))))

    const whole = given(await fopen(sftp, at('large'), 'r'))
    assert.ok(bytes.equals(given(await stream_get_contents(whole, null, 'buffer'))))
    assert.equal(feof(whole), true)

    const reader = given(await fopen(sftp, at('large'), 'r'))
    const pieces: Buffer[] = []
    while (!feof(reader)) pieces.push(given(await fread(reader, 100_000)))
    assert.ok(bytes.equals(Buffer.concat(pieces)))
    assert.ok(pieces.every(({ length }) => length <= 100_000))
  })

  test('as a stream of Node', async (t) => {
    const { sftp, at } = await withSftp(t)
    const writer = given(await fopen(sftp, at('file'), 'w'))
    const bytes = Buffer.alloc(1_000_000, 'lines\n')
    for (let from = 0; from < bytes.length; from += 10_000) writer.write(bytes.subarray(from, from + 10_000))
    writer.end()
    await once(writer, 'finish')
    const reader = given(await fopen(sftp, at('file'), 'r'))
    const closed = once(reader, 'close')
    const pieces: Buffer[] = []
    reader.on('data', (piece: Buffer) => pieces.push(piece))
    await closed
    assert.ok(bytes.equals(Buffer.concat(pieces)))
    assert.equal(reader.errored, null)
  })

  test('what waits for a listener while the file is written to comes once, from behind the write', async (t) => {
    const { sftp, at } = await withSftp(t)
    await writeFile(at('file'), 'abcdef')
    await chmod(at('file'), 0o666)
    const file = given(await fopen(sftp, at('file'), 'r+'))
    let got = ''
    file.on('data', (piece: Buffer) => {
      got += String(piece)
    })
    file.pause()
    file.read(0)
    while (file.readableLength === 0) await delay(5, undefined, { signal: t.signal })
    assert.equal(await fwrite(file, 'Z'), 1)
    assert.equal(got, '')
    const ended = once(file, 'end')
    file.resume()
    await ended
    assert.equal(got, 'bcdef')
    assert.equal(await fclose(file), true)
    assert.equal(await readFile(at('file'), 'utf8'), 'Zbcdef')
  })

  test('what is known of it', async (t) => {
    const { sftp, at } = await withSftp(t)
    const file = given(await fopen(sftp, at('file'), 'w+'))
    const { stream_type, mode, seekable, exit_status, eof } = stream_get_meta_data(file)
    assert.deepEqual(
      { stream_type, mode, seekable, exit_status, eof },
      { stream_type: 'SSH2 SFTP File', mode: 'w+', seekable: true, exit_status: null, eof: false },
    )
    await fclose(file)
  })

  test('a directory, which has no bytes', async (t) => {
    const { sftp, at } = await withSftp(t)
    await mkdir(at('directory'))
    const directory = given(await fopen(sftp, at('directory'), 'r'))
    assert.equal(await fread(directory, 10), false)
  })

  test('closing gives the file back to the server, as does reading to its end', async (t) => {
    const { sftp, at } = await withSftp(t, { config: fewFiles })
    await writeFile(at('file'), 'content')
    for (let count = 0; count < 3 * mostFiles; count++) {
      const file = given(await fopen(sftp, at('file'), 'r'))
      if (count % 2 === 0) assert.equal(await fclose(file), true)
      else assert.equal(await stream_get_contents(file), 'content')
    }
  })

  test('a file that is opened after its call was given up is closed', { timeout: 60_000 }, async (t) => {
    const { session, server, sftp, at } = await withSftp(t, { config: fewFiles })
    for (const name of ['file', 'kept']) await writeFile(at(name), 'content')
    const kept = given(await fopen(sftp, at('kept'), 'r'))
    const [serving] = await sftpServers(server)
    assert.ok(serving !== undefined)
    await signalSftpServers(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    const opened = await Promise.all(Array.from({ length: mostFiles }, () => fopen(sftp, at('file'), 'r')))
    assert.ok(opened.every((file) => file === false))
    assert.equal(ssh2_last_error(sftp)?.limit, 'timeout')
    ssh2_set_timeout(session, 0)
    await signalSftpServers(server, 'SIGCONT')
    // Answered in order: once this is, they were opened, as many as there was room for.
    assert.equal(String(await fread(kept, 3)), 'con')
    while ((await filesOf(serving)).includes(at('file'))) await delay(20, undefined, { signal: t.signal })
    assert.equal(await stream_get_contents(given(await fopen(sftp, at('file'), 'r'))), 'content')
    assert.equal(await fclose(kept), true)
  })

  test('the end of the session ends it', async (t) => {
    const { session, sftp, at } = await withSftp(t)
    const file = given(await fopen(sftp, at('file'), 'w'))
    await ssh2_disconnect(session)
    assert.equal(file.destroyed, true)
    assert.equal(await fwrite(file, 'x'), false)
    assert.equal(ssh2_last_error(file)?.code, 'ERR_SSH_CLOSED')
    assert.equal(await fclose(file), false)
  })
})
