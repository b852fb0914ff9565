import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { type ConnectOptions, connect, HoldfastError } from 'holdfast'
import { type ServerOptions, startServer } from 'holdfast/testing'

const timeout = 30_000
const stream = () => new Promise<never>(() => {})

async function failure(attempt: Promise<unknown>): Promise<HoldfastError> {
  const [outcome] = await Promise.allSettled([attempt])
  assert.ok(outcome.status === 'rejected' && outcome.reason instanceof HoldfastError)
  return outcome.reason
}

/** An embedded server without SFTP, and how to log in there. */
async function target(t: TestContext, options: Partial<ServerOptions> = {}): Promise<ConnectOptions> {
  const server = await startServer({ users: { deploy: { password: 'secret' } }, exec: () => 0, ...options })
  t.after(() => server.close())
  const { host, port, hostKey } = server
  const trust = { hostKey: { fingerprints: [hostKey.fingerprint] }, agent: false } as const
  return { host, port, username: 'deploy', password: 'secret', ...trust }
}

for (const path of [
  '~/.ssh/id_ed25519',
  '/home/secretive/id_rsa',
  './key',
  'C:\\keys\\deploy.ppk',
  'deploy.pem',
  'id_ed25519',
])
  test(`a path given as a key, ${path}, is told to be one, and not shown`, { timeout }, async (t) => {
    const { password: _, ...options } = await target(t)
    const error = await failure(connect({ ...options, privateKey: path }))
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_KEY', 'options'])
    assert.match(error.message, /^privateKey: .*the key itself/)
    assert.match(error.hint, /`identityFiles`/)
    assert.ok(!inspect(error).includes(path))
  })

test('what is neither key nor path is no path', { timeout }, async (t) => {
  const { password: _, ...options } = await target(t)
  for (const privateKey of ['hello', 'ssh-ed25519 AAAA/b', '-----BEGIN PRIVATE KEY-----\\nMC/4C'])
    assert.doesNotMatch((await failure(connect({ ...options, privateKey }))).message, /path/)
})

test('a server without SFTP is told of, with what does the same', { timeout }, async (t) => {
  const ssh = await connect(await target(t))
  t.after(() => ssh.close())
  const error = await failure(ssh.sftp())
  assert.deepEqual([error.code, error.phase], ['ERR_SSH_REQUEST_REFUSED', 'request'])
  assert.match(error.message, /no SFTP.*subsystem sftp/)
  assert.match(error.hint, /`ssh\.scp`/)
  assert.match(error.stack ?? '', /mistakes\.test/)
})

test('so is one that has an SFTP in its configuration alone, as dropbear', { timeout }, async (t) => {
  const at = await target(t, { subsystems: { sftp: () => 127 } })
  const ssh = await connect(at)
  t.after(() => ssh.close())
  const error = await failure(ssh.sftp())
  assert.deepEqual([error.code, error.host], ['ERR_SSH_CHANNEL_CLOSED', `${at.host}:${at.port}`])
  assert.match(error.message, /no SFTP that works.*ended before it answered/)
  assert.match(error.hint, /`ssh\.scp`/)
})

test('a peer that closes in order is not said to have a cause', { timeout }, async (t) => {
  const server = net.createServer((socket) => void socket.on('error', () => {}).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const error = await failure(connect({ host: '127.0.0.1', port, password: 'x', hostKey: { policy: 'off' } }))
  assert.deepEqual([error.code, error.cause], ['ERR_SSH_CONNECTION_LOST', undefined])
  assert.match(error.hint, /`cause`, where there is one/)
})

test('a function that never gives its stream keeps the connection from being made, and not from logging in', {
  timeout,
}, async (t) => {
  const { host: _, port: __, ...options } = await target(t)
  const error = await failure(connect({ ...options, stream, limits: { connect: 200 } }))
  assert.deepEqual([error.code, error.limit, error.phase], ['ERR_SSH_TIMEOUT', 'connect', 'tcp'])
})

test('a call that was aborted before it began has not come to authentication', { timeout }, async (t) => {
  const error = await failure(connect({ ...(await target(t)), signal: AbortSignal.abort() }))
  assert.deepEqual([error.code, error.phase], ['ERR_SSH_ABORTED', 'dns'])
})

/** The package as another program that brings its own has it. */
async function anotherCopy(t: TestContext): Promise<{ readonly connect: typeof connect }> {
  const index = fileURLToPath(import.meta.resolve('holdfast'))
  const root = dirname(dirname(index))
  const copy = mkdtempSync(join(tmpdir(), 'holdfast-copy-'))
  t.after(() => rmSync(copy, { recursive: true, force: true }))
  cpSync(dirname(index), join(copy, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  return (await import(pathToFileURL(join(copy, 'dist', 'index.js')).href)) as { readonly connect: typeof connect }
}

test('a Client of another copy of the package is no hop, and is told what does the same', { timeout }, async (t) => {
  const options = await target(t)
  const other = await (await anotherCopy(t)).connect(options)
  t.after(() => other.close())
  for (const proxyJump of [other, [other], ['deploy@127.0.0.1', other]]) {
    const error = await failure(connect({ ...options, proxyJump }))
    assert.equal(error.code, 'ERR_SSH_OPTION')
    assert.match(error.message, /^proxyJump: .*Client of another copy of holdfast.*stream.*connectTo\(\)/)
  }
})

test('a stream that has ended is let go of too where it is refused', { timeout }, async (t) => {
  const { host: _host, port: _port, ...options } = await target(t)
  for (const more of [{}, { nonsense: true } as object]) {
    const ended = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done(), autoDestroy: false }).end()
    assert.equal((await failure(connect({ ...options, ...more, stream: ended }))).code, 'ERR_SSH_OPTION')
    assert.ok(ended.destroyed)
  }
})

test('a stream is let go of where an option is wrong, and where it is the stream', { timeout }, async (t) => {
  const { host: _host, port = 0, ...options } = await target(t)
  const dial = async () => {
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }
  const wrong = { nonsense: true } as object
  for (const [more, prepare] of [
    [wrong, () => {}],
    [{ limits: { tcp: 'soon' as '1s' } }, () => {}],
    [{}, (socket: net.Socket) => socket.setEncoding('utf8')],
  ] as const) {
    const given = await dial()
    const opened = await dial()
    for (const socket of [given, opened]) prepare(socket)
    assert.equal((await failure(connect({ ...options, ...more, stream: given }))).code, 'ERR_SSH_OPTION')
    assert.ok(given.destroyed)
    assert.equal((await failure(connect({ ...options, ...more, stream: () => opened }))).code, 'ERR_SSH_OPTION')
    // A function is not called before the options are right.
    assert.equal(opened.destroyed, prepare.length > 0)
    opened.destroy()
  }
})

test('the stream of a hop is let go of where an option is wrong, its own or that of its target', {
  timeout,
}, async (t) => {
  const options = await target(t)
  const wrong = { nonsense: true } as object
  for (const [ofHop, ofTarget] of [
    [wrong, {}],
    [{}, wrong],
    [{ reconnect: true }, {}],
  ]) {
    const given = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() })
    const proxyJump = { ...options, ...ofHop, stream: given }
    assert.equal((await failure(connect({ ...options, ...ofTarget, proxyJump }))).code, 'ERR_SSH_OPTION')
    assert.ok(given.destroyed)
  }
})

/** As one over a WebSocket: that it was ended before it was open is an error. */
class NotYetOpen extends Duplex {
  override _read(): void {}

  override _destroy(_error: Error | null, done: (error: Error) => void): void {
    done(new Error('it was not open yet'))
  }
}

test('a stream that cannot be let go of in peace fails nobody but the call', { timeout }, async (t) => {
  const options = await target(t)
  const given = new NotYetOpen()
  const opened = new NotYetOpen({ objectMode: true })
  const closed = [given, opened].map((one) => new Promise((resolve) => one.once('close', resolve)))
  const wrong = { nonsense: true } as object
  assert.equal((await failure(connect({ ...options, ...wrong, stream: given }))).code, 'ERR_SSH_OPTION')
  assert.equal((await failure(connect({ ...options, stream: () => opened }))).code, 'ERR_SSH_OPTION')
  // An error that nobody listened for would fail this test by itself.
  await Promise.all(closed)
})
