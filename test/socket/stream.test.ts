import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Duplex, PassThrough, Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { checkStream, discard, hold, isDuplex } from '#src/socket/stream.js'
import { listen } from './parts.js'

function unexpected(error: Error): never {
  throw error
}

interface Ends {
  readonly near: net.Socket
  /** The code of the error that the far end saw, or 'FIN'. */
  readonly seen: Promise<string>
}

/** A connection, and how its far end sees it end; unread there, so that the near end can be full. */
async function connected(t: TestContext, reads: 'reads' | 'does not read' = 'reads'): Promise<Ends> {
  const { port, accepted } = await listen(t)
  const near = net.connect(port, '127.0.0.1').on('error', unexpected)
  t.after(() => near.destroy())
  await once(near, 'connect')
  while (accepted.length === 0) await new Promise(setImmediate)
  const [far] = accepted
  assert.ok(far !== undefined)
  const seen = new Promise<string>((resolve) => {
    far.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    far.on('end', () => resolve('FIN'))
  })
  if (reads === 'reads') far.resume()
  return { near, seen }
}

test('a TCP socket is reset', async (t) => {
  const { near, seen } = await connected(t)
  discard(near)
  assert.ok(near.destroyed)
  await once(near, 'close')
  assert.equal(await seen, 'ECONNRESET')
})

test('a TCP socket full of unsent bytes is reset, ended or not', async (t) => {
  for (const send of ['write', 'end'] as const) {
    const { near } = await connected(t, 'does not read')
    near[send](Buffer.alloc(20_000_000), () => {})
    await new Promise(setImmediate)
    assert.ok(near.writableLength > 0)
    discard(near)
    await once(near, 'close')
  }
})

test('a socket whose shutdown is under way is closed all the same, at whatever moment', async (t) => {
  const moments: ((discards: () => void) => void)[] = [
    (discards) => discards(),
    (discards) => queueMicrotask(discards),
    (discards) => process.nextTick(() => process.nextTick(discards)),
    (discards) => setImmediate(discards),
    (discards) => setTimeout(discards, 20),
  ]
  for (const at of moments) {
    for (const last of ['', 'last words']) {
      const { near, seen } = await connected(t)
      near.end(last)
      const closed = once(near, 'close')
      at(() => discard(near))
      await closed
      assert.match(await seen, /^(FIN|ECONNRESET)$/)
    }
  }
})

test('a socket that is connecting is let go without waiting for that', async () => {
  const near = net.connect(1, '127.0.0.1').on('error', unexpected)
  discard(near)
  assert.ok(near.destroyed)
  await once(near, 'close')
})

test('a socket that was never connected, or is destroyed already, is no error', () => {
  const socket = new net.Socket().on('error', unexpected)
  discard(socket)
  discard(socket)
  assert.ok(socket.destroyed)
})

test('a local socket, which knows no reset, is destroyed', {
  skip: process.platform === 'win32' && 'local sockets are files here',
}, async (t) => {
  const file = path.join(os.tmpdir(), `stream-test-${process.pid}`)
  const server = net.createServer((socket) => socket.on('error', () => {}).resume()).listen(file)
  t.after(() => server.close())
  await once(server, 'listening')
  const near = net.connect(file).on('error', unexpected)
  await once(near, 'connect')
  discard(near)
  assert.ok(near.destroyed)
  await once(near, 'close')
})

test('any other stream is destroyed', () => {
  const stream = new PassThrough()
  discard(stream)
  assert.ok(stream.destroyed)
})

test('a stream holds the process where it can', () => {
  const calls: string[] = []
  class Holding extends PassThrough {
    ref(): void {
      calls.push('ref')
    }
    unref(): void {
      calls.push('unref')
    }
  }
  const stream = new Holding()
  hold(stream, true)
  hold(stream, false)
  hold(new PassThrough(), true)
  assert.deepEqual(calls, ['ref', 'unref'])
})

const open = new PassThrough()
const destroyed = new PassThrough()
destroyed.destroy()
const ended = new PassThrough()
ended.end()
const unusable: [Duplex, RegExp][] = [
  [destroyed, /is not open/],
  [ended, /is not open/],
  [new Duplex({ objectMode: true }), /is in object mode/],
  [new PassThrough().setEncoding('utf8'), /has an encoding set/],
]

test('a Duplex is told by what it can do', () => {
  assert.ok(isDuplex(open))
  for (const value of [undefined, null, 'stream', {}, { write() {}, read() {} }, Readable.from([])])
    assert.ok(!isDuplex(value))
})

test('an open stream of bytes is accepted, anything else is a wrong option', () => {
  assert.equal(checkStream(open), open)
  for (const [stream, message] of unusable) {
    assert.throws(() => checkStream(stream), { code: 'ERR_SSH_OPTION', phase: 'options', message })
  }
})
