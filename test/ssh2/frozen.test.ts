/** What hangs for ever with ssh2: a server whose processes are stopped, and whose kernel still acknowledges. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect as tcp } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, type TestContext, test } from 'node:test'
import type { Channel, ConnectConfig, FileEntry, SFTPWrapper } from 'holdfast/ssh2'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { signalIfAlive } from '../servers/process-tree.js'
import type { ReferenceServer } from '../servers/reference-server.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { directory } from './directory.js'
import { type Client, configOf, dropIn, outcome, ready, value, within } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

/** The program's own period: dead after four times that. What a busy machine takes besides is much. */
const keepaliveInterval = 600
const boundMs = 4 * keepaliveInterval + 20_000

interface Frozen {
  readonly server: ReferenceServer
  readonly client: Client
  readonly freeze: () => Promise<void>
}

/** A client that has a connection and no listener for errors: what happens to it must not end the program. */
async function connected(t: TestContext, further: ConnectConfig = {}): Promise<Frozen> {
  const server = await sshd(t, { version: '9.2' })
  const client = await ready(t, dropIn, { ...(await configOf(server)), ...further })
  client.removeAllListeners('error')
  return { server, client, freeze: () => signalConnections(server, 'SIGSTOP') }
}

/** Not by once(), which would fail by an error that comes before, and be a listener for it. */
const closed = (emitter: EventEmitter) =>
  new Promise<void>((resolve) => void EventEmitter.prototype.once.call(emitter, 'close', () => resolve()))

/** Settles within the bound, by an error, and the connection is over. */
async function settles(client: Client, call: Promise<unknown>): Promise<Error> {
  const over = closed(client)
  const error = await within(call, 'an answer', boundMs)
  assert.ok(error instanceof Error)
  assert.equal(error.message, 'No response from server')
  await within(over, 'close', boundMs)
  return error
}

describe('a frozen server under the drop-in', { skip, timeout: 120_000, concurrency: 2 }, () => {
  test('connect', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    signalIfAlive(server.pid, 'SIGSTOP')
    t.after(() => signalIfAlive(server.pid, 'SIGCONT'))
    const client = new dropIn.Client()
    const over = closed(client)
    const failed = once(client, 'error')
    client.connect({ ...(await configOf(server)), readyTimeout: 500 })
    const [error] = (await within(failed, 'error', boundMs)) as [Error & { level: string }]
    assert.equal(error.level, 'client-timeout')
    assert.equal(error.message, 'Timed out while waiting for handshake')
    await within(over, 'close', boundMs)
  })

  test('exec, shell, sftp and forwards that are asked for', async (t) => {
    for (const ask of asks) {
      const { client, freeze } = await connected(t, { keepaliveInterval })
      await freeze()
      await settles(
        client,
        outcome((done) => ask(client, done)),
      )
    }
  })

  test('a command that runs', async (t) => {
    const { client, freeze } = await connected(t, { keepaliveInterval })
    const stream = await value<Channel>((done) => client.exec('sleep 30000', done))
    const over = closed(stream.resume())
    await freeze()
    await within(over, 'close of the stream', boundMs)
  })

  test('a command that is listened to for errors tells of one', async (t) => {
    const { client, freeze } = await connected(t, { keepaliveInterval })
    const stream = await value<Channel>((done) => client.exec('sleep 30000', done))
    const failed = once(stream.resume(), 'error')
    await freeze()
    const [error] = (await within(failed, 'error of the stream', boundMs)) as [Error]
    assert.equal(error.message, 'No response from server')
  })

  test('an upload whose input fills the socket, with its callback', async (t) => {
    const { client, freeze } = await connected(t, { keepaliveInterval })
    const stream = await value<Channel>((done) => client.exec('cat > /dev/null', done))
    await freeze()
    const written = new Promise<unknown>((resolve) => stream.write(Buffer.alloc(16 * 1024 * 1024), resolve))
    assert.ok((await within(written, 'the callback of write()', boundMs)) instanceof Error)
  })

  test('sftp: a list, a put and a stream', async (t) => {
    const folder = directory(t)
    const file = join(folder, 'file')
    writeFileSync(file, Buffer.alloc(2_000_000))
    const { client, freeze } = await connected(t, { keepaliveInterval })
    const sftp = await value<SFTPWrapper>((done) => client.sftp(done))
    const ended = closed(sftp)
    await freeze()
    const calls = [
      outcome<FileEntry[]>((done) => sftp.readdir('/etc', done)),
      outcome((done) => sftp.fastPut(file, join(folder, 'copy'), done)),
      once(sftp.createWriteStream(join(folder, 'other')), 'error').then(([error]: unknown[]) => error),
    ]
    for (const error of await within(Promise.all(calls), 'answers', boundMs)) assert.ok(error instanceof Error)
    await within(ended, 'close of sftp', boundMs)
  })

  for (const end of ['frozen', 'killed'] as const)
    test(`sftp: streams of a server that is ${end} tell who listens, once, and end nobody else`, async (t) => {
      const { client, server, freeze } = await connected(t, { keepaliveInterval })
      // A reset is an error with ssh2 too.
      if (end === 'killed') client.on('error', () => {})
      const folder = directory(t)
      const sftp = await value<SFTPWrapper>((done) => client.sftp(done))
      const writes = ['heard', 'unheard', 'piped'].map((name) => sftp.createWriteStream(join(folder, name)))
      // Where a connection is lost, what reads ends a program that does not listen with ssh2 too.
      const reads = Array.from({ length: end === 'frozen' ? 2 : 1 }, () => sftp.createReadStream('/dev/zero'))
      const streams = [...writes, ...reads]
      await within(Promise.all(streams.map((stream) => once(stream, 'open'))), 'open')
      const over = Promise.all([client, ...streams].map(closed))
      const errors: string[] = []
      for (const stream of [writes[0], reads[0]]) stream?.once('error', ({ message }: Error) => errors.push(message))
      await freeze()
      for (const read of reads) read.resume()
      writes[0]?.write('text')
      writes[1]?.write('text')
      if (writes[2] !== undefined) new PassThrough().end('text').pipe(writes[2])
      if (end === 'killed') await signalConnections(server, 'SIGKILL')
      await within(over, 'the ends of all', boundMs)
      assert.deepEqual(errors, Array(2).fill('No response from server'))
    })

  test('a tunnel, and a remote forward with a connection', async (t) => {
    const { client, server, freeze } = await connected(t, { keepaliveInterval })
    const tunnel = await value<Channel>((done) => client.forwardOut('', 0, server.host, server.port, done))
    const port = await value<number>((done) => client.forwardIn('127.0.0.1', 0, done))
    const accepted = new Promise<Channel>((resolve) => {
      client.on('tcp connection', (_details, accept) => resolve(accept()))
    })
    const socket = tcp(port, '127.0.0.1')
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    const far = await accepted
    const over = [closed(tunnel.resume()), closed(far.resume()), closed(client)]
    await freeze()
    await within(Promise.all(over), 'the ends', boundMs)
  })

  test('end() and destroy(), with no keepalive asked for', async (t) => {
    for (const way of ['end', 'destroy'] as const) {
      const { client, freeze } = await connected(t, { keepaliveInterval: 0 })
      const stream = await value<Channel>((done) => client.exec('sleep 30000', done))
      await freeze()
      const asked = outcome((done) => client.exec('true', done))
      const over = [closed(client), closed(stream.resume())]
      client[way]()
      await within(Promise.all(over), `close after ${way}()`, boundMs)
      assert.ok((await within(asked, 'the answer', boundMs)) instanceof Error)
      client[way]()
    }
  })

  test('a program that listens hears of the verdict', async (t) => {
    const { client, freeze } = await connected(t, { keepaliveInterval })
    const failed = once(client, 'error')
    await freeze()
    const [error] = (await within(failed, 'error', boundMs)) as [Error & { level: string }]
    assert.deepEqual([error.message, error.level], ['Keepalive timeout', 'client-timeout'])
    assert.equal((error.cause as { code: string }).code, 'ERR_SSH_PEER_DEAD')
  })

  test('a client that is frozen connects again, once it is ended', async (t) => {
    const { client, server, freeze } = await connected(t)
    await freeze()
    const again = once(client, 'ready')
    client.connect(await configOf(server))
    await within(again, 'ready', boundMs)
    client.destroy()
  })
})

type Done = (error: Error | null | undefined, result?: unknown) => void

const asks: readonly ((client: Client, done: Done) => void)[] = [
  (client, done) => client.exec('true', done),
  (client, done) => client.sftp(done),
  (client, done) => client.forwardOut('', 0, '127.0.0.1', 1, done),
  (client, done) => client.forwardIn('127.0.0.1', 0, done),
]
