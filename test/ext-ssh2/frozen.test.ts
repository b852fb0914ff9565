/** What hangs for ever in PHP: a server whose processes are stopped, and whose kernel still acknowledges. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  fclose,
  fgets,
  fwrite,
  open,
  SSH2_POLL_SESSION_CLOSED,
  SSH2_POLLIN,
  type Ssh2Context,
  type Ssh2Session,
  ssh2_auth_none,
  ssh2_auth_password,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_forward_accept,
  ssh2_forward_listen,
  ssh2_keepalive_config,
  ssh2_keepalive_send,
  ssh2_last_error,
  ssh2_poll,
  ssh2_publickey_add,
  ssh2_publickey_init,
  ssh2_publickey_list,
  ssh2_publickey_remove,
  ssh2_set_timeout,
  ssh2_shell,
  ssh2_tunnel,
  stream_get_contents,
  stream_get_meta_data,
} from 'holdfast/ext-ssh2'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { signalIfAlive } from '../servers/process-tree.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'
import { running, sshd } from '../session/sshd.js'
import { withPublickey } from './publickey-server.js'
import { remoteFolder } from './remote-folder.js'
import { given } from './session.js'

const skip = skipReason(await prepareSshd('9.2'))

/** Dead after four times that. What a busy machine takes besides is much. */
const interval = 600
const boundMs = 4 * interval + 20_000
const watched: Ssh2Context = { holdfast: { keepalive: { interval, countMax: 3 } } }

async function connected(t: TestContext, context: Ssh2Context): Promise<{ session: Ssh2Session; server: SshdServer }> {
  const server = await sshd(t, { version: '9.2' })
  const session = given(await ssh2_connect(server.host, server.port, null, null, context))
  t.after(() => ssh2_disconnect(session))
  return { session, server }
}

async function loggedIn(t: TestContext, context = watched) {
  const { session, server } = await connected(t, context)
  assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
  return { session, server, freeze: () => signalConnections(server, 'SIGSTOP') }
}

/** Settles in time, by whatever. */
async function settled<T>(what: string, answer: Promise<T>, limitMs = boundMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not settle within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

describe('a frozen server under the functions of PHP', { skip, timeout: 120_000, concurrency: 2 }, () => {
  test('ssh2_connect()', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    signalIfAlive(server.pid, 'SIGSTOP')
    t.after(() => signalIfAlive(server.pid, 'SIGCONT'))
    const context = { ini: { default_socket_timeout: 0.5 } }
    assert.equal(await settled('connect', ssh2_connect(server.host, server.port, null, null, context)), false)
    assert.equal(ssh2_last_error()?.limit, 'identification')
  })

  test('a login', async (t) => {
    const { session, server } = await connected(t, { holdfast: { limits: { authentication: 4000 } } })
    assert.notEqual(await ssh2_auth_none(session, server.username), false)
    await signalConnections(server, 'SIGSTOP')
    assert.equal(await settled('login', ssh2_auth_password(session, server.username, server.password)), false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_TIMEOUT')
    assert.equal(await settled('disconnect', ssh2_disconnect(session)), true)
  })

  test('a program that never logs in', async (t) => {
    const { session, server } = await connected(t, { holdfast: { limits: { prompt: 300 } } })
    await settled('the end of the connection', ended(server))
    assert.equal(await ssh2_auth_password(session, server.username, server.password), false)
    assert.equal(ssh2_last_error(session)?.limit, 'prompt')
  })

  test('a command that runs', async (t) => {
    const { session, freeze } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'echo started; exec sleep 1000'))
    assert.equal(await fgets(stream), 'started\n')
    await freeze()
    assert.equal(await settled('stream_get_contents', stream_get_contents(stream)), false)
    assert.equal(ssh2_last_error(stream)?.code, 'ERR_SSH_PEER_DEAD')
    assert.equal(stream_get_meta_data(stream).exit_status, null)
    assert.equal(await settled('fclose', fclose(stream)), false)
    assert.equal(await settled('disconnect', ssh2_disconnect(session)), true)
  })

  test('calls that wait for an answer', async (t) => {
    const { session, freeze } = await loggedIn(t)
    const listener = given(await ssh2_forward_listen(session, 0, '127.0.0.1'))
    const polled = given(await ssh2_exec(session, 'exec sleep 1000'))
    await freeze()
    const descriptor = { resource: polled, events: SSH2_POLLIN, revents: 0 }
    const answers = await settled(
      'calls',
      Promise.all([
        ssh2_exec(session, 'true'),
        ssh2_shell(session),
        ssh2_tunnel(session, '127.0.0.1', 1),
        ssh2_forward_listen(session, 0),
        ssh2_forward_accept(listener),
        ssh2_keepalive_send(session),
      ]),
    )
    assert.deepEqual(answers, [false, false, false, false, false, false])
    assert.equal(await settled('poll', ssh2_poll([descriptor])), 1)
    assert.ok((descriptor.revents & SSH2_POLL_SESSION_CLOSED) !== 0)
  })

  test('the keys of a user', async (t) => {
    const { session, server } = await withPublickey(t, watched)
    const pkey = given(await ssh2_publickey_init(session))
    await signalConnections(server, 'SIGSTOP')
    const blob = Buffer.from('key')
    const answers = await settled(
      'calls',
      Promise.all([
        ssh2_publickey_list(pkey),
        ssh2_publickey_add(pkey, 'ssh-ed25519', blob),
        ssh2_publickey_remove(pkey, 'ssh-ed25519', blob),
        ssh2_publickey_init(session),
      ]),
    )
    assert.deepEqual(answers, [false, false, false, false])
    assert.equal(ssh2_last_error(pkey)?.code, 'ERR_SSH_PEER_DEAD')
    assert.equal(await settled('fclose', fclose(pkey)), true)
  })

  test('the keys of a user whose subsystem alone is frozen', async (t) => {
    const { session, server } = await withPublickey(t, { holdfast: { limits: { reply: 2000, channelClose: 500 } } })
    const pkey = given(await ssh2_publickey_init(session))
    for (const { pid } of await running(server)) signalIfAlive(pid, 'SIGSTOP')
    assert.equal(await settled('list', ssh2_publickey_list(pkey)), false)
    assert.equal(ssh2_last_error(pkey)?.limit, 'reply')
    assert.equal(await settled('fclose', fclose(pkey)), true)
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo on'))), 'on\n')
  })

  test('URLs', async (t) => {
    const { session, freeze } = await loggedIn(t)
    const at = await remoteFolder(t, session)
    await writeFile(at('large'), Buffer.alloc(20_000_000))
    const streams = [
      given(await open('ssh2.exec:///exec sleep 1000', { session })),
      given(await open('ssh2.shell:////', { session })),
      given(await open(`ssh2.scp://${at('large')}`, { session })),
      given(await open(`ssh2.sftp://${at('large')}`, { session })),
    ]
    await freeze()
    const urls = [
      'ssh2.exec:///true',
      'ssh2.shell:////',
      'ssh2.tunnel:///127.0.0.1:1',
      `ssh2.scp://${at('large')}`,
      `ssh2.sftp://${at('large')}`,
    ]
    const opened = await settled('open', Promise.all(urls.map((url) => open(url, { session }))))
    assert.deepEqual(opened, [false, false, false, false, false])
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_PEER_DEAD')
    const read = await settled('reading', Promise.all(streams.map((stream) => stream_get_contents(stream))))
    assert.deepEqual(read, [false, false, false, false])
    await settled('fclose', Promise.all(streams.map((stream) => fclose(stream))))
  })

  test('URLs with a login', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const login = `${server.username}:${server.password}@${server.host}:${server.port}`
    const command = given(await open(`ssh2.exec://${login}/echo started; exec sleep 1000`, watched))
    assert.equal(await fgets(command), 'started\n')
    await signalConnections(server, 'SIGSTOP')
    assert.equal(await settled('reading', stream_get_contents(command)), false)
    assert.equal(ssh2_last_error(command)?.code, 'ERR_SSH_PEER_DEAD')
    await settled('fclose', fclose(command))

    signalIfAlive(server.pid, 'SIGSTOP')
    t.after(() => signalIfAlive(server.pid, 'SIGCONT'))
    const context = { ini: { default_socket_timeout: 0.5 } }
    assert.equal(await settled('open', open(`ssh2.exec://${login}/true`, context)), false)
    assert.equal(ssh2_last_error()?.limit, 'identification')
  })

  test('a file by scp whose scp alone is frozen', async (t) => {
    const { session, server } = await loggedIn(t, { holdfast: { limits: { sftp: 2000 } } })
    const at = await remoteFolder(t, session)
    await writeFile(at('large'), Buffer.alloc(50_000_000))
    const stream = given(await open(`ssh2.scp://${at('large')}`, { session }))
    const scp = (await running(server)).map(({ pid }) => pid)
    for (const pid of scp) signalIfAlive(pid, 'SIGSTOP')
    assert.equal(await settled('reading', stream_get_contents(stream)), false)
    assert.equal(ssh2_last_error(stream)?.limit, 'idleTimeout')
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo on'))), 'on\n')
  })

  test('writing what nobody reads', async (t) => {
    const { session, freeze } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'exec sleep 1000'))
    await freeze()
    assert.equal(await settled('fwrite', fwrite(stream, Buffer.alloc(8_000_000))), false)
    assert.equal(await settled('fclose', fclose(stream)), false)
  })

  test('with the keepalive off, limits and ends hold', async (t) => {
    const { session, freeze } = await loggedIn(t, { holdfast: { limits: { channelOpen: 4000 } } })
    ssh2_keepalive_config(session, true, 0)
    assert.equal(await ssh2_keepalive_send(session), 0)
    const stream = given(await ssh2_exec(session, 'exec cat'))
    const shell = given(await ssh2_shell(session))
    await freeze()
    assert.equal(await settled('exec', ssh2_exec(session, 'true')), false)
    assert.equal(ssh2_last_error(session)?.limit, 'channelOpen')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await settled('tunnel', ssh2_tunnel(session, '127.0.0.1', 1)), false)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    await settled('fclose', fclose(stream))
    await settled('fclose of a shell', fclose(shell))
    assert.equal(await settled('disconnect', ssh2_disconnect(session)), true)
  })

  test('a command at its limit', async (t) => {
    const { session } = await loggedIn(t, { ini: { max_execution_time: 5 } })
    const stream = given(await ssh2_exec(session, 'exec sleep 1000'))
    assert.equal(await settled('stream_get_contents', stream_get_contents(stream)), false)
    assert.equal(ssh2_last_error(stream)?.limit, 'timeout')
  })
})

/** Until nothing on the server serves a connection any more. */
async function ended(server: SshdServer): Promise<void> {
  while ((await server.processes()).some(({ role }) => role === 'connection')) await delay(50)
}
