import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  fclose,
  feof,
  fgets,
  fread,
  fwrite,
  SSH2_STREAM_STDERR,
  SSH2_STREAM_STDIO,
  SSH2_TERM_UNIT_PIXELS,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_fetch_stream,
  ssh2_last_error,
  ssh2_send_eof,
  ssh2_send_signal,
  ssh2_shell,
  ssh2_shell_resize,
  stream_get_contents,
  stream_get_meta_data,
  stream_set_blocking,
  stream_set_timeout,
} from 'holdfast/ext-ssh2'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { given, loggedIn } from './session.js'
import { warnings } from './warnings.js'

const skip = skipReason(await prepareSshd('9.2'))

describe('ssh2_exec() and ssh2_shell()', { skip, timeout: 120_000 }, () => {
  test('output, error output and exit status', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'read go; echo out; echo err >&2; exit 3'))
    const stderr = given(ssh2_fetch_stream(stream, SSH2_STREAM_STDERR))
    assert.equal(stream_set_blocking(stream, true), true)
    assert.equal(stream_get_meta_data(stream).exit_status, null)
    await fwrite(stream, 'go\n')
    assert.equal(await stream_get_contents(stream), 'out\n')
    assert.equal(await stream_get_contents(stderr), 'err\n')
    assert.equal(stream_get_meta_data(stream).exit_status, 3)
    assert.equal(feof(stream), true)
    assert.equal(ssh2_fetch_stream(stream, SSH2_STREAM_STDIO), stream)
    assert.equal(await fclose(stream), true)
  })

  test('lines and pieces', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, "printf 'one\\ntwo\\n\\303\\244 three'"))
    assert.equal(await fgets(stream), 'one\n')
    assert.equal(await fgets(stream, 3), 'tw')
    assert.equal(String(await fread(stream, 1)), 'o')
    assert.equal(feof(stream), false)
    assert.equal(await fgets(stream), '\n')
    assert.equal(await fgets(stream), 'ä three')
    assert.equal(await fgets(stream), false)
    assert.equal(feof(stream), true)
    assert.equal(ssh2_last_error(stream), undefined)
  })

  test('input, and its end', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'tr a-z A-Z'))
    assert.equal(await fwrite(stream, 'hello'), 5)
    assert.equal(ssh2_send_eof(stream), true)
    assert.equal(await stream_get_contents(stream), 'HELLO')
    assert.equal(stream_get_meta_data(stream).exit_status, 0)
  })

  test('a command that gives no output reads its input all the same', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'exec wc -c >&2'))
    const stderr = given(ssh2_fetch_stream(stream, SSH2_STREAM_STDERR))
    assert.equal(await fwrite(stream, Buffer.alloc(3_000_000)), 3_000_000)
    assert.equal(ssh2_send_eof(stream), true)
    assert.equal(await stream_get_contents(stream), '')
    assert.equal(((await stream_get_contents(stderr)) as string).trim(), '3000000')
  })

  test('one output read after the other, each larger than the window', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'head -c 6000000 /dev/zero >&2; echo done'))
    const stderr = given(ssh2_fetch_stream(stream, SSH2_STREAM_STDERR))
    assert.equal(await stream_get_contents(stream), 'done\n')
    const bytes = await stream_get_contents(stderr, null, 'buffer')
    assert.equal(given(bytes).length, 6_000_000)
  })

  test('a terminal, its size, and variables that the server does not take', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'stty size; echo $TERM', 'vt100', { SECRET: 'x' }, 132, 43))
    assert.equal(await stream_get_contents(stream), '43 132\r\nvt100\r\n')
    const swapped = given(
      await ssh2_exec(session, 'stty size', { SECRET: 'x' }, 'vt100', 640, 480, SSH2_TERM_UNIT_PIXELS),
    )
    assert.equal(await stream_get_contents(swapped), '24 80\r\n')
  })

  test('a shell', async (t) => {
    const { session } = await loggedIn(t)
    const shell = given(await ssh2_shell(session, 'xterm', null, 90, 30))
    assert.equal(ssh2_shell_resize(shell, 100, 40), true)
    await fwrite(shell, 'stty size; echo "the ""end"; exit 5\n')
    let seen = ''
    while (!feof(shell)) seen += (await fgets(shell)) || ''
    assert.match(seen, /40 100\r\n/)
    assert.match(seen, /the end\r\n/)
    assert.equal(stream_get_meta_data(shell).exit_status, 5)
  })

  test('a limit on reading', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'echo first; cat'))
    assert.equal(await fgets(stream), 'first\n')
    assert.equal(stream_set_timeout(stream, 0, 200_000), true)
    assert.equal(await stream_get_contents(stream), '')
    assert.equal(stream_get_meta_data(stream).timed_out, true)
    stream_set_blocking(stream, false)
    assert.equal(await fgets(stream), false)
    assert.equal(stream_get_meta_data(stream).timed_out, false)
    assert.equal(feof(stream), false)
    await fclose(stream)
  })

  test('a signal', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'echo begun; exec sleep 1000'))
    // sshd answers before its child has come to the command: until then, a signal is lost.
    assert.equal(await fgets(stream), 'begun\n')
    assert.equal(ssh2_send_signal(stream, 'TERM'), true)
    assert.equal(await stream_get_contents(stream), '')
    assert.equal(stream_get_meta_data(stream).exit_signal, 'SIGTERM')
    assert.equal(stream_get_meta_data(stream).exit_status, null)
  })

  test('fclose() leaves a command to itself', async (t) => {
    const { session } = await loggedIn(t)
    const listening = given(
      await ssh2_exec(session, 'f=$(mktemp -u); mkfifo "$f"; echo "$f"; read line <"$f"; echo "$line"'),
    )
    const file = given(await fgets(listening)).trim()
    const left = given(await ssh2_exec(session, `sleep 0.3; echo "still there" >${file}`))
    assert.equal(await fclose(left), true)
    assert.equal(await stream_get_contents(listening), 'still there\n')
  })

  test('a write that waits ends with the connection, though somebody reads meanwhile', {
    timeout: 30_000,
  }, async (t) => {
    const { session, server } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'echo begun; exec sleep 1000'))
    assert.equal(await fgets(stream), 'begun\n')
    const line = fgets(stream)
    const written = fwrite(stream, Buffer.alloc(8_000_000))
    await signalConnections(server, 'SIGKILL')
    assert.equal(await line, false)
    assert.equal(await written, false)
  })

  test('without a login', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const session = given(await ssh2_connect(server.host, server.port))
    assert.equal(await ssh2_exec(session, 'true'), false)
    assert.match(ssh2_last_error(session)?.message ?? '', /^Connection not authenticated/)
    assert.equal(ssh2_last_error(), ssh2_last_error(session))
    await ssh2_disconnect(session)
  })

  test('a variable whose name PHP takes for a number', async (t) => {
    const { session } = await loggedIn(t)
    const seen = await warnings(async () => {
      const stream = given(await ssh2_exec(session, 'true', null, { '7': 'a', '-7': 'b', '007': 'c', '1.5': 'd' }))
      assert.equal(await stream_get_contents(stream), '')
    })
    const skipped = 'ssh2_exec(): Skipping numeric index in environment array'
    const refused = ['007', '1.5'].map((name) => `ssh2_exec(): Failed setting ${name} on remote end`)
    const texts = seen.map((text) => text.replace(': the server does not take it', ''))
    assert.deepEqual(texts.toSorted(), [...refused, skipped, skipped])
  })

  test('wrong types', async (t) => {
    const { session } = await loggedIn(t)
    await assert.rejects(ssh2_exec(session, 7 as unknown as string), {
      name: 'TypeError',
      message: 'ssh2_exec(): Argument #2 ($command) must be of type string, int given',
    })
    await assert.rejects(ssh2_exec(session, 'true', null, 'x'), TypeError)
    await assert.rejects(stream_get_contents('x' as unknown as NodeJS.ReadStream), TypeError)
  })
})
