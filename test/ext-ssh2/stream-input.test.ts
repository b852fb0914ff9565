/** What becomes of the input of a command that is not over when its stream is closed, and of what comes too late. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  fclose,
  fgets,
  fwrite,
  type Ssh2ChannelStream,
  type Ssh2Session,
  ssh2_exec,
  ssh2_last_error,
  ssh2_send_eof,
  stream_get_contents,
  stream_get_meta_data,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'
import { running } from '../session/sshd.js'
import { remoteFolder } from './remote-folder.js'
import { given, loggedIn } from './session.js'

const skip = skipReason(await prepareSshd('9.2'))
const timeout = 60_000

const ways = [
  ['fclose()', fclose],
  ['destroy()', (stream: Ssh2ChannelStream) => stream.destroy()],
] as const

describe('the input of a command as a stream of PHP', { skip, timeout: 240_000 }, () => {
  for (const [name, close] of ways) {
    test(`a command does not take half of its input for the whole: ${name}`, { timeout }, async (t) => {
      const { session, server } = await loggedIn(t)
      const at = await remoteFolder(t, session)
      const stream = await readingOnceTold(session, at)
      const bytes = Buffer.alloc(8_000_000)
      const written = Promise.all([fwrite(stream, bytes), fwrite(stream, bytes)])
      await close(stream)
      assert.deepEqual(await written, [false, false])
      await writeFile(at('go'), '')
      await whileRunning(t, server)
      assert.deepEqual(await readdir(at('')), ['go'])
    })
  }

  test('what the input of a command was given still goes out after fclose()', { timeout }, async (t) => {
    const { session, server } = await loggedIn(t)
    const at = await remoteFolder(t, session)
    const stream = await readingOnceTold(session, at)
    const written = fwrite(stream, Buffer.alloc(8_000_000))
    assert.equal(await fclose(stream), false)
    assert.equal(await written, false)
    await writeFile(at('go'), '')
    await whileRunning(t, server)
    assert.equal((await readFile(at('whole'), 'utf8')).trim(), '8000000')
  })

  test('what is written too late is refused, and takes nothing from what is still to be read', {
    timeout,
  }, async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'cat; echo tail; exit 3'))
    assert.equal(await fwrite(stream, 'one\n'), 4)
    assert.equal(ssh2_send_eof(stream), true)
    assert.equal(await fwrite(stream, 'two\n'), false)
    assert.equal(ssh2_last_error(stream)?.code, 'ERR_SSH_CHANNEL_CLOSED')
    assert.match(ssh2_last_error(stream)?.hint ?? '', /before ssh2_send_eof\(\)/)
    assert.equal(await stream_get_contents(stream), 'one\ntail\n')
    assert.equal(stream_get_meta_data(stream).exit_status, 3)
    assert.equal(await fclose(stream), true)
    assert.equal(await fwrite(stream, 'three\n'), false)
    assert.match(ssh2_last_error(stream)?.hint ?? '', /before fclose\(\)/)
  })

  test('a write that the program itself cuts off is no end of the peer’s', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'exec sleep 1000'))
    const written = fwrite(stream, Buffer.alloc(8_000_000))
    stream.destroy()
    assert.equal(await written, false)
    assert.equal(ssh2_last_error(stream)?.code, 'ERR_SSH_CHANNEL_CLOSED')
    assert.match(ssh2_last_error(stream)?.message ?? '', /closed before it took all/)
    assert.doesNotMatch(ssh2_last_error(stream)?.hint ?? '', /peer/)
  })
})

/** A command that reads its input once the file `go` is there, and tells in `whole` how much it was. */
async function readingOnceTold(session: Ssh2Session, at: (name: string) => string): Promise<Ssh2ChannelStream> {
  const reading = `bytes=$(wc -c) && echo "$bytes" >${at('whole')}`
  const command = `echo begun; until [ -e ${at('go')} ]; do sleep 0.1; done; ${reading}`
  const stream = given(await ssh2_exec(session, command))
  assert.equal(await fgets(stream), 'begun\n')
  return stream
}

async function whileRunning(t: TestContext, server: SshdServer): Promise<void> {
  while ((await running(server)).length > 0) await delay(20, undefined, { signal: t.signal })
}
