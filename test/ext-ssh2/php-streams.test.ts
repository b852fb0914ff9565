import { createReadStream } from 'node:fs'
import { describe, test } from 'node:test'
import {
  fclose,
  feof,
  fgets,
  fread,
  fwrite,
  SSH2_STREAM_STDERR,
  SSH2_STREAM_STDIO,
  type Ssh2Session,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_fetch_stream,
  ssh2_send_eof,
  stream_get_contents,
  stream_get_meta_data,
  stream_set_blocking,
  stream_set_timeout,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { type AnswersHere, compare, loggedInAs, prepareComparison } from './compare.js'
import { given as got } from './session.js'

const skip = skipReason(await prepareComparison())

describe('as PHP 8.2 with php-ssh2 1.3.1', { skip, timeout: 180_000 }, () => {
  test('to read and write streams', (t) =>
    compare(t, {
      script: 'streams',
      differences: {
        'status while it runs': 'PHP says 0; null here',
        'write behind the end': 'false in both; PHP says that there is an end, and here it says whose',
        'write behind the end of the input': 'the same in both; PHP’s text has libssh2’s number',
        'end of the input of what is closed': 'a stream is an object here, which is there still',
        'read without having been told to wait': 'PHP does not wait then, although it says that it does',
        'without waiting': 'PHP gives false, and says that it waits; here no bytes, and that it does not',
        'read up to a limit': 'PHP warns; here timed_out says it',
        'not at the end after a limit': 'PHP takes the limit for the end',
        'a seventh stream': 'SSH has two; PHP gives one that never brings anything',
      },
      here: async (here, given) => {
        const session = await loggedInAs(given)
        await oneStream(here, session)
        await tooLate(here, session)
        await lengths(here, session)
        await reading(here, session)
        await fetching(here, session)
        await much(here, session)
        await ssh2_disconnect(session)
      },
    }))
})

async function oneStream(here: AnswersHere, session: Ssh2Session): Promise<void> {
  const cat = got(await ssh2_exec(session, 'cat; echo done; exit 4'))
  await here.answer('write', () => fwrite(cat, 'hello\n'))
  await here.answer('not at the end', () => feof(cat))
  const status = () => stream_get_meta_data(cat).exit_status
  await here.answer('status while it runs', () => ({ exit_status: status() }))
  await here.answer('end of the input', () => ssh2_send_eof(cat))
  await here.answer('read', () => stream_get_contents(cat))
  await here.answer('status', status)
  await here.answer('meta data', () => {
    const { stream_type, mode, seekable, blocked, timed_out, unread_bytes } = stream_get_meta_data(cat)
    return [stream_type, mode, seekable, blocked, timed_out, unread_bytes]
  })
  await here.answer('at the end', () => feof(cat))
  await here.answer('read at the end', () => fread(cat, 10))
  await here.answer('a line at the end', () => fgets(cat))
  await here.answer('write behind the end', () => fwrite(cat, 'x'))
  await here.answer('end of the input again', () => ssh2_send_eof(cat))
  await here.answer('close', () => fclose(cat))
  await here.answer('end of the input of what is closed', () => ssh2_send_eof(cat))
}

async function tooLate(here: AnswersHere, session: Ssh2Session): Promise<void> {
  const cat = got(await ssh2_exec(session, 'cat; echo tail'))
  await here.answer('write behind the end of the input', async () => [
    await fwrite(cat, 'one\n'),
    ssh2_send_eof(cat),
    await fwrite(cat, 'two\n'),
    await stream_get_contents(cat),
  ])
}

async function lengths(here: AnswersHere, session: Ssh2Session): Promise<void> {
  const all = got(await ssh2_exec(session, 'printf abcdef'))
  await here.answer('all of it by -1', () => stream_get_contents(all, -1))
  const lines = got(await ssh2_exec(session, "printf 'abc\\ndef\\n'; exec cat"))
  await here.answer('contents of no bytes', () => stream_get_contents(lines, 0))
  await here.answer('contents of less than all', () => stream_get_contents(lines, -2))
  await here.answer('a read of no bytes', () => fread(lines, 0))
  await here.answer('a read of less', () => fread(lines, -1))
  await here.answer('a line of no bytes', () => fgets(lines, 0))
  await here.answer('a line of less', () => fgets(lines, -1))
  await here.answer('a line of one', () => fgets(lines, 1))
  await here.answer('what those left', async () => [await fgets(lines), await fgets(lines)])
}

async function reading(here: AnswersHere, session: Ssh2Session): Promise<void> {
  const lines = got(await ssh2_exec(session, "printf 'one\\ntwo\\nthree'"))
  await here.answer('lines', async () => [
    await fgets(lines),
    await fgets(lines, 3),
    await fgets(lines),
    await fgets(lines),
    await fgets(lines),
  ])
  const pieces = got(await ssh2_exec(session, 'echo abcdef'))
  await here.answer('pieces', async () => [
    String(await fread(pieces, 2)),
    await stream_get_contents(pieces, 2),
    await stream_get_contents(pieces),
  ])
  const untouched = got(await ssh2_exec(session, 'true'))
  await here.answer('meta data by default', () => ({ blocked: stream_get_meta_data(untouched).blocked }))

  const late = got(await ssh2_exec(session, 'sleep 1; echo late'))
  await here.answer('read without having been told to wait', () => fread(late, 10))
  const silent = got(await ssh2_exec(session, 'cat'))
  await here.answer('without waiting', async () => {
    stream_set_blocking(silent, false)
    return [String(await fread(silent, 10)), { blocked: stream_get_meta_data(silent).blocked }]
  })
  await here.answer('a limit', () => [stream_set_blocking(silent, true), stream_set_timeout(silent, 0, 300_000)])
  await here.answer('read up to a limit', () => fread(silent, 10))
  await here.answer('not at the end after a limit', () => feof(silent))
}

async function fetching(here: AnswersHere, session: Ssh2Session): Promise<void> {
  const outputs = got(await ssh2_exec(session, 'echo out; echo err >&2'))
  await here.answer('standard output', () => ssh2_fetch_stream(outputs, SSH2_STREAM_STDIO))
  await here.answer('standard error', () => ssh2_fetch_stream(outputs, SSH2_STREAM_STDERR))
  await here.answer('a stream less than none', () => ssh2_fetch_stream(outputs, -1))
  await here.answer('a seventh stream', () => ssh2_fetch_stream(outputs, 7))
  await here.answer('of what is no stream', () => ssh2_fetch_stream('stream' as never, SSH2_STREAM_STDERR))
  const file = createReadStream('/etc/hostname')
  await here.answer('of a file', () => ssh2_fetch_stream(file, SSH2_STREAM_STDERR))
  await here.answer('end of the input of a file', () => ssh2_send_eof(file))
  file.destroy()
}

async function much(here: AnswersHere, session: Ssh2Session): Promise<void> {
  const running = async (command: string) => got(await ssh2_exec(session, command))
  await here.answer('much', async () => {
    const stream = await running('head -c 3000000 /dev/zero')
    return got(await stream_get_contents(stream)).length
  })
  await here.answer('much error first', async () => {
    const stream = await running('head -c 1000000 /dev/zero >&2; echo ok')
    const stderr = got(ssh2_fetch_stream(stream, SSH2_STREAM_STDERR))
    return [got(await stream_get_contents(stderr)).length, await stream_get_contents(stream)]
  })
  await here.answer('much written', async () => {
    const stream = await running('wc -c')
    const written = await fwrite(stream, Buffer.alloc(1_000_000, 'x'))
    ssh2_send_eof(stream)
    return [written, got(await stream_get_contents(stream)).trim()]
  })
}
