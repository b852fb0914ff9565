import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { type Client, connect } from 'holdfast'
import { account, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { failure } from '../promises/support/outcome.js'

leavesNothing()

/** A program's own stream over a socket, which throws in `_write` from some moment on. */
class ThrowingStream extends Duplex {
  throws = false
  readonly #socket: net.Socket

  constructor(socket: net.Socket) {
    super()
    this.#socket = socket
    socket.on('data', (chunk) => this.push(chunk))
    socket.on('close', () => this.destroy())
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.throws) throw new Error('the stream is broken')
    this.#socket.write(chunk, done)
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    // An error that is never reported: whoever called `write` saw it thrown.
    done(null)
  }
}

async function connected(t: TestContext): Promise<{ ssh: Client; stream: ThrowingStream }> {
  const { host, port } = await server(t)
  const socket = net.connect(port, host)
  await once(socket, 'connect')
  const stream = new ThrowingStream(socket)
  const ssh = await connect({ host: 'anywhere', stream, ...account })
  t.after(() => ssh.close())
  return { ssh, stream }
}

test('what a stream throws while it is written to ends the connection like an error that it reports', async (t) => {
  const { ssh, stream } = await connected(t)
  stream.throws = true
  await assert.rejects(ssh.exec('true'), { code: 'ERR_SSH_CONNECTION_LOST', message: /the stream is broken/ })
  assert.equal((await ssh.closed)?.code, 'ERR_SSH_CONNECTION_LOST')
})

test('a reset right behind data is told as one, though what is read ends without an error', async (t) => {
  const listener = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('SSH-2.0-Brief\r\n')
      socket.resetAndDestroy()
    })
  })
  t.after(() => listener.close())
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { error } = await failure(connect({ host: '127.0.0.1', port: address.port, agent: false }))
  assert.equal(error.code, 'ERR_SSH_CONNECTION_LOST')
  assert.ok(error.cause instanceof Error && 'code' in error.cause)
  assert.equal(error.cause.code, 'ECONNRESET')
})

test('a close whose goodbye the stream throws at settles all the same', async (t) => {
  const { ssh, stream } = await connected(t)
  stream.throws = true
  await ssh.close({ timeout: '30s' })
  assert.equal((await ssh.closed)?.code, 'ERR_SSH_CLOSED')
})
