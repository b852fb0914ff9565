import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { HoldfastError } from '#src/errors.js'
import { race } from '#src/socket/race.js'
import type { Address } from '#src/socket/resolve.js'
import { blackhole, noBlackhole } from './blackhole.js'
import { closedPort, listen, type Parts, parts } from './parts.js'

/** Races addresses of loopback and notes each socket with the time at which it was started. */
class Racer {
  readonly started: { address: string; at: number; socket: net.Socket }[] = []
  readonly #parts: Parts

  constructor(own: Parts) {
    this.#parts = own
  }

  run(port: number, hosts: readonly string[], signal?: AbortSignal): Promise<net.Socket> {
    const addresses = hosts.map((address): Address => ({ address, family: 4 }))
    const connect = ({ address }: Address) => {
      const socket = net.connect({ host: address, port, autoSelectFamily: false })
      this.started.push({ address, at: performance.now(), socket })
      return socket
    }
    const { limits } = this.#parts
    return race(addresses, { host: 'web1', port, limitMs: limits.tcp, signal, connect }, this.#parts)
  }
}

function assertNothingLeft({ waits, deadlines }: Parts, { started }: Racer, but?: net.Socket): void {
  assert.equal(waits.size, 0)
  assert.equal(deadlines.size, 0)
  for (const { socket } of started) if (socket !== but) assert.ok(socket.destroyed)
}

test('the only address answers: its socket, with no listener of ours', async (t) => {
  const own = parts(t)
  const racer = new Racer(own)
  const { port } = await listen(t)
  const socket = await racer.run(port, ['127.0.0.1'])
  assert.ok(!socket.connecting && !socket.destroyed)
  assert.deepEqual([socket.listenerCount('error'), socket.listenerCount('connect')], [0, 0])
  assertNothingLeft(own, racer, socket)
  socket.destroy()
})

test('one address refuses: its own error, with the code of the system as cause', async (t) => {
  const own = parts(t)
  const racer = new Racer(own)
  const port = await closedPort()
  async function callerOfRace() {
    return await racer.run(port, ['127.0.0.1'])
  }
  await assert.rejects(callerOfRace(), (error) => {
    assert.ok(error instanceof HoldfastError)
    assert.equal(error.code, 'ERR_SSH_CONNECT')
    assert.equal(error.phase, 'tcp')
    assert.equal(error.host, 'web1')
    assert.equal(error.message, `connect ECONNREFUSED 127.0.0.1:${port}`)
    assert.ok(error.cause instanceof Error && 'code' in error.cause)
    assert.equal(error.cause.code, 'ECONNREFUSED')
    assert.match(error.stack ?? '', /callerOfRace/)
    return true
  })
  assertNothingLeft(own, racer)
})

test('an address that refuses gives way to the next at once, not after the delay', async (t) => {
  const own = parts(t)
  const racer = new Racer(own)
  const { port } = await listen(t, '127.0.0.3')
  const socket = await racer.run(port, ['127.0.0.1', '127.0.0.2', '127.0.0.3'])
  assert.equal(socket.remoteAddress, '127.0.0.3')
  const [first, , third] = racer.started
  assert.ok(first !== undefined && third !== undefined && third.at - first.at < 250)
  assertNothingLeft(own, racer, socket)
  socket.destroy()
})

test('the first address swallows all: the second starts 250 ms later and wins, the first is let go', {
  skip: noBlackhole,
}, async (t) => {
  const own = parts(t)
  const racer = new Racer(own)
  const port = await blackhole(t, '127.0.0.2')
  await listen(t, '127.0.0.3', port)
  const socket = await racer.run(port, ['127.0.0.2', '127.0.0.3'])
  assert.equal(socket.remoteAddress, '127.0.0.3')
  const [first, second] = racer.started
  assert.ok(first !== undefined && second !== undefined)
  assert.ok(second.at - first.at >= 249, `started after ${second.at - first.at} ms`)
  assertNothingLeft(own, racer, socket)
  socket.destroy()
})

test('a slow address loses to one that was started later, and no byte of it is read', async (t) => {
  const own = parts(t)
  const { port, server } = await listen(t)
  server.on('connection', (socket) => socket.write('hello'))
  const sockets: net.Socket[] = []
  const connect = () => {
    const socket = new net.Socket().on('data', () => assert.notEqual(socket, sockets[0]))
    sockets.push(socket)
    // Both connect within the same turn of the loop.
    if (sockets.length === 2) for (const each of [socket, sockets[0]]) each?.connect(port, '127.0.0.1')
    return socket
  }
  const options = { host: 'web1', port, limitMs: 10_000, connect }
  const addresses: Address[] = [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ]
  const socket = await race(addresses, options, own)
  assert.equal(socket, sockets[1])
  assert.ok(sockets[0]?.destroyed)
  await once(socket, 'data')
  assert.deepEqual([own.waits.size, own.deadlines.size], [0, 0])
  socket.destroy()
})

test('an address that swallows all has its full limit, and its error names it', { skip: noBlackhole }, async (t) => {
  const own = parts(t, { tcp: 700 })
  const racer = new Racer(own)
  const port = await blackhole(t, '127.0.0.2')
  const startedAt = performance.now()
  await assert.rejects(racer.run(port, ['127.0.0.2']), {
    code: 'ERR_SSH_TIMEOUT',
    limit: 'tcp',
    limitMs: 700,
    phase: 'tcp',
    message: `a TCP connection to 127.0.0.2 port ${port} did not come within the limit tcp of 700 ms`,
  })
  assert.ok(performance.now() - startedAt >= 699)
  assertNothingLeft(own, racer)
})

test('several addresses fail: one error that lists each with its reason', { skip: noBlackhole }, async (t) => {
  const own = parts(t, { tcp: 600 })
  const racer = new Racer(own)
  const port = await blackhole(t, '127.0.0.2')
  await assert.rejects(racer.run(port, ['127.0.0.2', '127.0.0.3']), (error) => {
    assert.ok(error instanceof HoldfastError)
    assert.equal(error.code, 'ERR_SSH_CONNECT')
    assert.equal(
      error.message,
      `no address of web1 accepts port ${port}: connect ECONNREFUSED 127.0.0.3:${port}; ` +
        `a TCP connection to 127.0.0.2 port ${port} did not come within the limit tcp of 600 ms`,
    )
    assert.ok(error.cause instanceof AggregateError && error.cause.errors.length === 2)
    return true
  })
  assertNothingLeft(own, racer)
})

test('an abort ends every attempt', { skip: noBlackhole }, async (t) => {
  const own = parts(t)
  const racer = new Racer(own)
  const port = await blackhole(t, '127.0.0.2')
  const abort = new AbortController()
  const running = racer.run(port, ['127.0.0.2', '127.0.0.2', '127.0.0.2'], abort.signal)
  setTimeout(() => abort.abort(new Error('enough')), 350)
  await assert.rejects(running, { name: 'AbortError', code: 'ERR_SSH_ABORTED', cause: new Error('enough') })
  assert.equal(racer.started.length, 2)
  assertNothingLeft(own, racer)
})

test('a signal that is aborted already, or a connection already torn down: no socket is made', async (t) => {
  const own = parts(t)
  const racer = new Racer(own)
  await assert.rejects(racer.run(1, ['127.0.0.1'], AbortSignal.abort()), { code: 'ERR_SSH_ABORTED' })
  own.waits.drain(new HoldfastError('ERR_SSH_CLOSED', 'closed'))
  await assert.rejects(racer.run(1, ['127.0.0.1']), { code: 'ERR_SSH_CLOSED' })
  assert.equal(racer.started.length, 0)
})

test('a teardown ends every attempt with its cause', async (t) => {
  const own = parts(t)
  const racer = new Racer(own)
  const { port } = await listen(t)
  const running = racer.run(port, ['127.0.0.1'])
  const cause = new HoldfastError('ERR_SSH_CLOSED', 'closed')
  own.waits.drain(cause)
  await assert.rejects(running, (error) => error === cause)
  assertNothingLeft(own, racer)
})

test('an error right after the connection is not thrown at the process', async (t) => {
  const own = parts(t)
  const racer = new Racer(own)
  const { port } = await listen(t)
  const running = racer.run(port, ['127.0.0.1'])
  const socket = racer.started[0]?.socket
  assert.ok(socket !== undefined)
  socket.once('connect', () => socket.destroy(new Error('reset')))
  await assert.rejects(running, { code: 'ERR_SSH_CONNECT', message: 'reset' })
  if (!socket.closed) await once(socket, 'close')
  assertNothingLeft(own, racer)
})
