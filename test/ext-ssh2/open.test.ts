import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import process from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import {
  fclose,
  fgets,
  fread,
  fwrite,
  type OpenOptions,
  open,
  ssh2_last_error,
  ssh2_set_timeout,
  ssh2_sftp,
  stream_get_contents,
  stream_get_meta_data,
} from 'holdfast/ext-ssh2'
import { diagnostics } from '#src/diagnostics.js'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { freePort } from '../servers/port.js'
import { signalIfAlive } from '../servers/process-tree.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'
import { running, sshd } from '../session/sshd.js'
import { remoteFolder } from './remote-folder.js'
import { given, loggedIn } from './session.js'
import { warnings } from './warnings.js'

const skip = skipReason(await prepareSshd('9.2'))

async function withFolder(t: TestContext) {
  const { session, server } = await loggedIn(t)
  return { session, server, at: await remoteFolder(t, session) }
}

/** A port on which what comes goes back. */
async function echoPort(t: TestContext): Promise<number> {
  const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  t.after(() => echo.close())
  await once(echo, 'listening')
  const address = echo.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

async function contents(url: string, options: OpenOptions): Promise<string> {
  const stream = given(await open(url, options))
  const text = given(await stream_get_contents(stream))
  assert.equal(await fclose(stream), true)
  return text
}

describe('open() on a session', { skip, timeout: 120_000 }, () => {
  test('ssh2.exec://', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await open('ssh2.exec:///read line; echo "$line"; exit 4', { session }))
    await fwrite(stream, 'in\n')
    assert.equal(await stream_get_contents(stream), 'in\n')
    assert.equal(stream_get_meta_data(stream).exit_status, 4)
    assert.equal(await contents('ssh2.exec:////bin/echo a%20b', { session }), 'a%20b\n')
    assert.equal(await contents('ssh2.exec:///echo a?b', { ssh2: { session } }), 'a\n')
    assert.equal(await contents('ssh2.exec:///echo a#b', { session, mode: 'whatever' }), 'a\n')
    const terminal = { env: { LC_TEST: 'given' }, term: 'xterm', term_width: 100, term_height: 40 }
    assert.equal(
      await contents('ssh2.exec:///echo $LC_TEST $TERM; stty size', { session, ssh2: terminal }),
      'given xterm\r\n40 100\r\n',
    )
    assert.equal(await open('ssh2.exec:///', { session }), false)
    assert.equal(await contents('ssh2.exec:///echo on', { session }), 'on\n')
  })

  test('ssh2.shell://', async (t) => {
    const { session } = await loggedIn(t)
    const shell = async (url: `ssh2.shell://${string}`, options: OpenOptions = {}) => {
      const stream = given(await open(url, { session, ...options }))
      await fwrite(stream, 'echo "[$TERM]"; stty size; exit\n')
      return given(await stream_get_contents(stream))
    }
    assert.match(await shell('ssh2.shell:///xterm'), /\[xterm\]\r\n25 80\r\n/)
    assert.match(await shell('ssh2.shell:///linux/more', { ssh2: { term: 'xterm' } }), /\[linux\]\r\n/)
    const larger = { term: 'xterm', term_width: 100, term_height: 40 }
    assert.match(await shell('ssh2.shell:////', { ssh2: larger }), /\[xterm\]\r\n40 100\r\n/)
    assert.match(await shell('ssh2.shell:///'), /\[vanilla\]\r\n/)
  })

  test('ssh2.tunnel://', async (t) => {
    const { session } = await loggedIn(t)
    const tunnel = given(await open(`ssh2.tunnel:///127.0.0.1:${await echoPort(t)}`, { session }))
    await fwrite(tunnel, 'there and back\n')
    assert.equal(await fgets(tunnel), 'there and back\n')
    assert.equal(await fclose(tunnel), true)
    assert.equal(await open(`ssh2.tunnel:///[127.0.0.1]:${await freePort()}`, { session }), false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_CHANNEL_OPEN')
    for (const path of ['/127.0.0.1', '/:22', '/[::1]', '/', '/127.0.0.1:70000']) {
      assert.equal(await open(`ssh2.tunnel://${path}`, { session }), false)
      assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_OPTION', path)
    }
  })

  test('ssh2.scp://', async (t) => {
    const { session, server, at } = await withFolder(t)
    await writeFile(at('a file'), 'one\ntwo\n')
    await writeFile(at('empty'), '')
    await writeFile(at('large'), Buffer.alloc(20_000_000, 'x'))
    assert.equal(await contents(`ssh2.scp://${at('a file')}`, { session }), 'one\ntwo\n')
    assert.equal(await contents(`ssh2.scp://${at('empty')}`, { session, mode: 'rb' }), '')
    const large = given(await open(`ssh2.scp://${at('large')}`, { session }))
    assert.equal(given(await stream_get_contents(large, null, 'buffer')).length, 20_000_000)

    const begun = given(await open(`ssh2.scp://${at('large')}`, { session }))
    assert.ok(given(await fread(begun, 10)).length > 0)
    assert.equal(stream_get_meta_data(begun).mode, 'r')
    const unread = given(await open(`ssh2.scp://${at('large')}`, { session }))
    assert.deepEqual([await fclose(begun), await fclose(unread)], [true, true])
    while ((await running(server)).length > 0) await delay(20)

    const seen = await warnings(async () => assert.equal(await open(`ssh2.scp://${at('none')}`, { session }), false))
    assert.match(seen.join('\n'), /^open\(\): Unable to request a channel from remote host: .*No such file/)
    assert.equal(await open(`ssh2.scp://${at('')}`, { session }), false)
    for (const mode of ['w', 'a', 'r+']) assert.equal(await open(`ssh2.scp://${at('new')}`, { session, mode }), false)
    assert.equal(ssh2_last_error()?.code, 'ERR_SSH_OPTION')
    assert.equal(await contents(`ssh2.scp://${at('a file')}`, { session }), 'one\ntwo\n')
  })

  test('ssh2.sftp://', async (t) => {
    const { session, at } = await withFolder(t)
    const sftp = given(await ssh2_sftp(session))
    const file = given(await open(`ssh2.sftp://${at('a%20file')}`, { session, mode: 'w' }))
    assert.equal(await fwrite(file, 'written'), 7)
    assert.equal(await fclose(file), true)
    assert.equal(await readFile(at('a%20file'), 'utf8'), 'written')
    for (const options of [{ session: sftp }, { ssh2: { sftp } }, { ssh2: { session } }])
      assert.equal(await contents(`ssh2.sftp://${at('a%20file')}`, options), 'written')
    const both = { ssh2: { sftp, session } }
    assert.equal(await contents(`ssh2.sftp://${at('a%20file')}`, both), 'written')
    assert.equal(await contents('ssh2.exec:///echo on', both), 'on\n')
    const seen = await warnings(async () => assert.equal(await open(`ssh2.sftp://${at('none')}`, { session }), false))
    assert.ok(seen[0]?.startsWith(`open(): Unable to open ${at('none')} on remote host: `), seen[0])
    await assert.rejects(open('ssh2.exec:///true', { session: sftp }), { code: 'ERR_INVALID_ARG_TYPE' })
  })

  test('what ssh2_set_timeout() gives up leaves nothing behind', async (t) => {
    const { session, server, at } = await withFolder(t)
    await writeFile(at('large'), Buffer.alloc(5_000_000))
    await signalConnections(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    for (const url of [`ssh2.scp://${at('large')}`, 'ssh2.exec:///exec sleep 1000', 'ssh2.shell:///xterm'])
      assert.equal(await open(url, { session }), false)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    for (const { pid, role } of await server.processes()) if (role === 'connection') signalIfAlive(pid, 'SIGCONT')
    ssh2_set_timeout(session, 0)
    // Its answer comes behind all that the server does for what was asked before.
    assert.equal(await contents('ssh2.exec:///echo on', { session }), 'on\n')
    while ((await running(server)).length > 0) await delay(20)
  })

  test('what is no URL of it, or no session', async (t) => {
    const { session } = await loggedIn(t)
    const urls = ['', 'ssh2', 'exec:///true', 'ssh2.foo:///true', 'ssh2.exec:/true', 'ssh2.exec://', 'ssh2.exec://host']
    for (const url of [...urls, 'ssh2.exec://host/true', 'ssh2.exec://user:password@host/true']) {
      assert.equal(await open(url, { session }), false, url)
      assert.equal(ssh2_last_error()?.code, 'ERR_SSH_OPTION', url)
    }
    for (const other of [false, {}, 'session'])
      await assert.rejects(open('ssh2.exec:///true', { session: wrong(other) }), TypeError)
    await assert.rejects(open(wrong(7)), { code: 'ERR_INVALID_ARG_TYPE' })
    await assert.rejects(open('ssh2.exec:///true', { session, mode: wrong(7) }), { code: 'ERR_INVALID_ARG_TYPE' })
    await assert.rejects(open('ssh2.exec:///true', { session, ssh2: { env: wrong('LANG') } }), TypeError)
  })
})

const secret = 'sEcRet-w0rd'

describe('open() of a URL with a login', { skip, timeout: 120_000 }, () => {
  test('each wrapper connects, and its connection ends with the stream', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const at = await serverFolder(t, server)
    await writeFile(at('file'), 'of the server')
    assert.equal(await contents(`ssh2.exec://${login(server)}/echo command`, {}), 'command\n')
    await connectionsOver(server)
    assert.equal(await contents(`ssh2.scp://${login(server)}${at('file')}`, {}), 'of the server')
    await connectionsOver(server)
    assert.equal(await contents(`ssh2.sftp://${login(server)}${at('file')}`, {}), 'of the server')
    await connectionsOver(server)
    const shell = given(await open(`ssh2.shell://${login(server)}/xterm`))
    assert.equal(await fclose(shell), true)
    await connectionsOver(server)
    const tunnel = given(await open(`ssh2.tunnel://${login(server)}/127.0.0.1:${await echoPort(t)}`))
    await fwrite(tunnel, 'there and back\n')
    assert.equal(await fgets(tunnel), 'there and back\n')
    assert.equal(await fclose(tunnel), true)
    await connectionsOver(server)
    const command = given(await open(`ssh2.exec://${login(server)}/exec sleep 1000`))
    assert.equal(await fclose(command), true)
    await connectionsOver(server)
  })

  test('a stream that was read to its end needs no fclose()', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const at = await serverFolder(t, server)
    await writeFile(at('file'), 'of the server')
    for (const url of ['ssh2.exec://LOGIN/cat FILE', 'ssh2.scp://LOGINFILE', 'ssh2.sftp://LOGINFILE']) {
      const stream = given(await open(url.replace('LOGIN', login(server)).replace('FILE', at('file'))))
      assert.equal(await stream_get_contents(stream), 'of the server')
      await connectionsOver(server)
    }
  })

  test('what was written is there once the stream is closed', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const at = await serverFolder(t, server)
    const bytes = Buffer.alloc(3_000_000, 'y')
    const file = given(await open(`ssh2.sftp://${login(server)}${at('file')}`, { mode: 'w' }))
    assert.equal(await fwrite(file, bytes), bytes.length)
    assert.equal(await fclose(file), true)
    assert.ok(bytes.equals(await readFile(at('file'))))
    await connectionsOver(server)
  })

  test('by what the context says of who logs in', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const { host, port, username, password } = server
    const { privateKey } = server.clientKeys.ed25519
    const url = `ssh2.exec://${host}:${port}/echo on`
    const keys = { pubkey_file: `${privateKey}.pub`, privkey_file: privateKey }
    assert.equal(await contents(url, { ssh2: { username, password } }), 'on\n')
    assert.equal(await contents(url, { ssh2: { username, ...keys } }), 'on\n')
    assert.equal(await contents(`ssh2.exec://${username}@${host}:${port}/echo on`, { ssh2: keys }), 'on\n')
    for (const half of [{}, { pubkey_file: keys.pubkey_file }, { privkey_file: keys.privkey_file }]) {
      assert.equal(await open(url, { ssh2: { username, ...half } }), false)
      assert.match(ssh2_last_error()?.message ?? '', /no password, and no pair of/)
    }
    const others = { username: 'nobody', password: secret, pubkey_file: '/none.pub', privkey_file: '/none' }
    assert.equal(await contents(`ssh2.exec://${login(server)}/echo on`, { ssh2: others }), 'on\n')
    const told: string[] = []
    const context: OpenOptions = {
      ssh2: { methods: { kex: 'none-such' }, callbacks: { disconnect: () => told.push('x') } },
    }
    const seen = await warnings(async () =>
      assert.equal(await contents(`ssh2.exec://${login(server)}/echo on`, context), 'on\n'),
    )
    assert.match(seen.join('\n'), /Failed overriding KEX method/)
    await connectionsOver(server)
  })

  test('where it fails, its connection ends', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const { host, port, username } = server
    assert.equal(await open(`ssh2.exec://${username}:${secret}@${host}:${port}/true`), false)
    await connectionsOver(server)
    assert.equal(await open(`ssh2.sftp://${login(server)}/none/such`), false)
    await connectionsOver(server)
    assert.equal(await open(`ssh2.tunnel://${login(server)}/127.0.0.1:${await freePort()}`), false)
    await connectionsOver(server)
    await assert.rejects(open(`ssh2.exec://${login(server)}/true`, { ssh2: { env: wrong('LANG') } }), TypeError)
    await connectionsOver(server)
  })

  test('no text has the password', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const { host, port, username } = server
    const closed = await freePort()
    const urls = [
      `ssh2.exec://${username}:${secret}@${host}:${port}/true`,
      `ssh2.exec://${username}:${secret}@${host}:${closed}/true`,
      `ssh2.exec://${username}:${secret}@no-such-host.invalid/true`,
      `ssh2.exec://${username}:${secret}@${host}:99999/true`,
      `ssh2.exec://${username}:${secret}@${host}:${port}`,
      `ssh2.exec://:${secret}@${host}:${port}/true`,
      `ssh2.exec://${username}:${secret}/w@${host}:${port}/true`,
      `ssh2.exec://${username}:${secret}?w@${host}:${port}/true`,
      `ssh2.exec://${username}:${secret}#w@${host}:${port}/true`,
      `ssh2.exec://${username}:${secret}@@${host}:${port}/true`,
      `ssh2.foo://${username}:${secret}@${host}:${port}/true`,
      `ssh2.scp://${username}:${secret}@${host}:${port}/file`,
      `${username}:${secret}@${host}`,
    ]
    const limits = { ini: { default_socket_timeout: 5 } }
    const errors: unknown[] = []
    const seen = await heard(async () => {
      for (const url of urls) {
        assert.equal(await open(url, limits), false)
        errors.push(ssh2_last_error())
      }
      assert.equal(await open(`ssh2.scp://${username}:${secret}@${host}:${port}/file`, { mode: 'w' }), false)
      errors.push(ssh2_last_error())
      const session = given((await loggedIn(t)).session)
      assert.equal(await open(`ssh2.exec://${username}:${secret}@${host}:${port}/true`, { session }), false)
      errors.push(ssh2_last_error(), session)
    })
    assert.ok(seen.filter((said) => said instanceof Error).length >= urls.length)
    const text = inspect([errors, seen], { depth: null, showHidden: true })
    assert.ok(text.includes(username))
    assert.ok(!text.includes(secret), text)
  })

  test('what is opened shows no password', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const stream = given(await open(`ssh2.exec://${login(server)}/exec sleep 1000`))
    const seen = await heard(async () => {
      const connection = (await server.processes()).filter(({ role }) => role === 'connection')
      for (const { pid } of connection) process.kill(pid, 'SIGKILL')
      assert.equal(await stream_get_contents(stream), false)
    })
    const text = inspect([ssh2_last_error(stream), stream_get_meta_data(stream), seen], {
      depth: null,
      showHidden: true,
    })
    assert.ok(!text.includes(server.password), text)
    assert.equal(await fclose(stream), false)
  })
})

/** What stands before the path. */
function login({ host, port, username, password }: SshdServer): string {
  return `${username}:${password}@${host}:${port}`
}

/** What the types forbid. */
function wrong(value: unknown): never {
  return value as never
}

/** All that the library says meanwhile: warnings with their stacks and details, and what it publishes. */
async function heard(work: () => Promise<unknown>): Promise<readonly unknown[]> {
  const seen: unknown[] = []
  const hear = (said: unknown) => void seen.push(said)
  const channels = Object.keys(diagnostics).map((name) => `holdfast:${name}`)
  for (const name of channels) subscribe(name, hear)
  process.on('warning', hear)
  try {
    await warnings(work)
  } finally {
    process.off('warning', hear)
    for (const name of channels) unsubscribe(name, hear)
  }
  return seen
}

/** A folder of the server's user, made on a connection that is over. */
async function serverFolder(t: TestContext, server: SshdServer): Promise<(name: string) => string> {
  const { host, port, username, password } = server
  const stream = given(await open(`ssh2.exec://${username}:${password}@${host}:${port}/mktemp -d`))
  const folder = given(await stream_get_contents(stream)).trim()
  t.after(() => rm(folder, { recursive: true, force: true }))
  await connectionsOver(server)
  return (name) => `${folder}/${name}`
}

/** Until nothing on the server serves a connection any more. */
async function connectionsOver(server: SshdServer): Promise<void> {
  while ((await server.processes()).some(({ role }) => role === 'connection')) await delay(20)
}
