/** How reading, writing and closing end where the other side ends, does not take what is written, or is gone. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, type TestContext, test } from 'node:test'
import {
  fclose,
  feof,
  fgets,
  fread,
  fwrite,
  SSH2_POLLIN,
  SSH2_POLLOUT,
  type Ssh2Session,
  ssh2_exec,
  ssh2_last_error,
  ssh2_poll,
  ssh2_send_eof,
  ssh2_tunnel,
  stream_get_contents,
  stream_get_meta_data,
  stream_set_blocking,
  stream_set_timeout,
} from 'holdfast/ext-ssh2'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { given, loggedIn } from './session.js'

const skip = skipReason(await prepareSshd('9.2'))
const timeout = 60_000

describe('the ends of PHP’s streams', { skip, timeout: 240_000 }, () => {
  test('fclose() says that what was written did not go out, and why', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'exec sleep 1000'))
    const written = fwrite(stream, Buffer.alloc(8_000_000))
    assert.equal(ssh2_send_eof(stream), true)
    assert.equal(await fclose(stream), false)
    assert.equal(ssh2_last_error(stream)?.code, 'ERR_SSH_TIMEOUT')
    assert.equal(ssh2_last_error(stream)?.limit, 'channelClose')
    assert.equal(await written, false)
  })

  test('a command that reads no more gives its output all the same', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'echo one; echo two; exit 3'))
    const line = fgets(stream)
    // The line is there, and what follows it, when the write fails: nobody reads that before the write is over.
    assert.equal(await fwrite(stream, Buffer.alloc(8_000_000)), false)
    assert.equal(await line, 'one\n')
    assert.equal(await fwrite(stream, 'more'), false)
    assert.equal(await stream_get_contents(stream), 'two\n')
    assert.equal(stream_get_meta_data(stream).exit_status, 3)
    assert.equal(await fclose(stream), true)
  })

  test('a pipeline to a command that reads no more ends', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'exec true'))
    const bytes = Buffer.alloc(65_536)
    const endless = new Readable({ read: () => void endless.push(bytes) })
    await assert.rejects(pipeline(endless, stream))
  })

  test('a tunnel that takes no more gives what came all the same', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    const tunnel = given(await ssh2_tunnel(session, '127.0.0.1', await refusing(t)))
    const line = fgets(tunnel)
    const written = fwrite(tunnel, Buffer.alloc(8_000_000))
    assert.equal(await line, 'one\n')
    assert.equal(await written, false)
    assert.equal(await fwrite(tunnel, 'more'), false)
    assert.equal(await stream_get_contents(tunnel), 'two\n')
  })

  test('fclose() of such a tunnel waits for nobody who would read', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    const tunnel = given(await ssh2_tunnel(session, '127.0.0.1', await refusing(t)))
    const line = fgets(tunnel)
    const written = fwrite(tunnel, Buffer.alloc(8_000_000))
    assert.equal(await line, 'one\n')
    assert.equal(await fclose(tunnel), false)
    assert.notEqual(ssh2_last_error(tunnel)?.code, 'ERR_SSH_TIMEOUT')
    assert.equal(await written, false)
  })

  test('a write waits for no longer than stream_set_timeout() says', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'exec sleep 1000'))
    stream_set_timeout(stream, 0, 300_000)
    assert.equal(await fwrite(stream, Buffer.alloc(8_000_000)), false)
    assert.equal(ssh2_last_error(stream)?.limit, 'timeout')
    assert.equal(stream_get_meta_data(stream).timed_out, true)
    assert.equal(feof(stream), false)
    assert.equal(await fclose(stream), false)
  })

  test('a connection that is lost is no limit of the program’s', { timeout }, async (t) => {
    const { session, server } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'echo begun; exec sleep 1000'))
    assert.equal(await fgets(stream), 'begun\n')
    stream_set_timeout(stream, 1000)
    const line = fgets(stream)
    await signalConnections(server, 'SIGKILL')
    assert.equal(await line, false)
    assert.equal(stream_get_meta_data(stream).timed_out, false)
    assert.equal(ssh2_last_error(stream)?.code, 'ERR_SSH_CONNECTION_LOST')
  })

  test('a loop that waits for nothing comes to its end', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    assert.equal(await looped(session, async (stream) => given(await fread(stream, 100))), 'out\n')
    assert.equal(await looped(session, async (stream) => (await fgets(stream)) || ''), 'out\n')
    assert.equal(await looped(session, polled), 'out\n')
  })

  test('a loop over what is the case always lets others have their turn', { timeout }, async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'cat'))
    const turns: string[] = []
    setImmediate(() => turns.push('immediate'))
    for (let calls = 0; calls < 1000; calls++)
      assert.equal(await ssh2_poll([{ resource: stream, events: SSH2_POLLOUT }]), 1)
    assert.deepEqual(turns, ['immediate'])
  })
})

async function polled(stream: Parameters<typeof fread>[0]): Promise<Buffer> {
  while ((await ssh2_poll([{ resource: stream, events: SSH2_POLLIN }], 0)) === 0);
  return given(await fread(stream, 100))
}

/** Reads without waiting, as long as there is more to come. */
async function looped(
  session: Ssh2Session,
  read: (stream: Parameters<typeof fread>[0]) => Promise<string | Buffer>,
): Promise<string> {
  const stream = given(await ssh2_exec(session, 'sleep 0.2; echo out'))
  stream_set_blocking(stream, false)
  let all = ''
  while (!feof(stream)) all += String(await read(stream))
  return all
}

/** A server that says two lines to whoever writes to it, and hangs up. @returns its port */
async function refusing(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write('one\ntwo\n', () => socket.destroySoon()))
  })
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}
