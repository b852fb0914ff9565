import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { test } from 'node:test'
import { discard } from '#src/socket/stream.js'
import { closed, closedPort, countBytes, tcpServer } from './local-servers.js'
import { started } from './started.js'

test('the embedded server connects where it may, and nowhere unless it was told to', async (t) => {
  const to = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
  const { ssh } = await started(t)
  assert.equal(await text((await ssh.connectTo(to)).end('hello')), '5 bytes')
  const nowhere = await ssh.connectTo({ host: '127.0.0.1', port: await closedPort() })
  assert.equal(await text(nowhere), '')
  const { ssh: strict } = await started(t, { forwarding: false })
  await assert.rejects(strict.connectTo(to), { code: 'ERR_SSH_CHANNEL_OPEN' })
  await assert.rejects(strict.forwardRemote({ to }), { code: 'ERR_SSH_REQUEST_REFUSED' })
})

test('a session that is refused, and a tunnel that is, fail alone', async (t) => {
  const { ssh } = await started(t, { maxSessions: 0 })
  const to = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
  const [tunnel, forward] = [await ssh.connectTo(to), await ssh.forwardRemote({ to })]
  await assert.rejects(ssh.exec('true'), { code: 'ERR_SSH_CHANNEL_OPEN' })
  await assert.rejects(ssh.connectTo({ path: `/${'x'.repeat(200)}` }), { code: 'ERR_SSH_CHANNEL_OPEN' })
  await assert.rejects(ssh.forwardRemote({ listen: { path: '/nowhere/at/all' }, to }), {
    code: 'ERR_SSH_REQUEST_REFUSED',
  })
  const { host = '', port = 0 } = forward.address
  assert.deepEqual(
    [await text(tunnel.end('alive')), await text(net.connect({ host, port }).end('too'))],
    ['5 bytes', '3 bytes'],
  )
})

test('a server that answers nothing ends each call by its own limit, and what it opens too late is closed', async (t) => {
  const limits = { channelOpen: 300, reply: 400 }
  const { ssh, server } = await started(t, {}, { limits, keepalive: false })
  const to = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
  server.freeze()
  await assert.rejects(ssh.connectTo(to), { code: 'ERR_SSH_TIMEOUT', limit: 'channelOpen', limitMs: 300 })
  await assert.rejects(ssh.forwardRemote({ to }), { code: 'ERR_SSH_TIMEOUT', limit: 'reply', limitMs: 400 })
  server.thaw()
  assert.equal(await text((await ssh.connectTo(to)).end('hello')), '5 bytes')
  await ssh.keepalive.send()
  assert.deepEqual(ssh.stats().channels, [])
})

test('a tunnel closes a turn of the event loop after it was destroyed, as a socket does', async (t) => {
  const { ssh } = await started(t)
  const tunnel = await ssh.connectTo({ host: '127.0.0.1', port: await tcpServer(t, countBytes) })
  tunnel.destroy()
  await new Promise<void>((resolve) => process.nextTick(resolve))
  assert.deepEqual([tunnel.destroyed, tunnel.closed], [true, false])
  await closed(tunnel)
  assert.equal(tunnel.errored, null)
})

test('a tunnel ends when the far side has ended, where it is to be as a socket is', async (t) => {
  const { ssh } = await started(t)
  const to = { host: '127.0.0.1', port: await tcpServer(t, (socket) => void socket.resume().end('bye')) }
  const told = await ssh.connectTo(to, { allowHalfOpen: false })
  const taken = (await ssh.connectTo(to)).connect(to.port, to.host)
  for (const tunnel of [told, taken]) {
    await once(tunnel.resume(), 'end')
    await closed(tunnel)
    assert.deepEqual([tunnel.bytesRead, tunnel.errored], [3, null])
  }
  const halfOpen = await ssh.connectTo(to)
  await once(halfOpen.resume(), 'end')
  await ssh.keepalive.send()
  assert.deepEqual([halfOpen.writable, halfOpen.destroyed], [true, false])
  await assert.rejects(ssh.connectTo(to, { allowHalfOpen: 1 } as never), { code: 'ERR_SSH_OPTION' })
})

test('what waits for a place to be reached ends with the connection', async (t) => {
  const { ssh, server } = await started(t)
  server.freeze()
  const opening = ssh.connectTo({ host: '127.0.0.1', port: 9 })
  const asking = ssh.forwardRemote({ to: { host: '127.0.0.1', port: 9 } })
  void ssh.close({ timeout: 100 })
  await assert.rejects(opening, { code: 'ERR_SSH_CLOSED' })
  await assert.rejects(asking, { code: 'ERR_SSH_CLOSED' })
})

test('who does not read holds up its sender, and nobody else', async (t) => {
  const size = 40_000_000
  const { ssh } = await started(t)
  const port = await tcpServer(t, (socket) => void socket.end(Buffer.alloc(size)))
  const forward = await ssh.forwardLocal({ to: { host: '127.0.0.1', port } })
  const { host = '', port: at = 0 } = forward.address
  const slow = net.connect({ host, port: at }).pause()
  const windows = (): readonly number[] => ssh.stats().channels.map(({ receiveWindow }) => receiveWindow)
  while (windows()[0] !== 0) await ssh.keepalive.send()
  assert.ok(forward.stats().bytesReceived < size / 2, `${forward.stats().bytesReceived} bytes came`)
  assert.equal((await buffer(net.connect({ host, port: at }))).length, size)
  assert.equal(windows()[0], 0)
  assert.equal((await buffer(slow)).length, size)
})

test('what breaks off on one side ends on the other, and is told', async (t) => {
  const { ssh } = await started(t)
  const sockets: net.Socket[] = []
  const port = await tcpServer(t, (socket) => void sockets.push(socket.resume()))
  const forward = await ssh.forwardLocal({ to: { host: '127.0.0.1', port } })
  const { host = '', port: at = 0 } = forward.address
  const client = net.connect({ host, port: at }).on('error', () => {})
  client.write('x')
  // libuv takes a reset that comes together with data for an end in order.
  while (sockets[0]?.bytesRead !== 1) await ssh.keepalive.send()
  const failure = once(forward, 'failure')
  discard(client)
  const [error] = (await failure) as [Error]
  assert.match(error.message, /ECONNRESET/)
  for (const socket of sockets) await closed(socket.end())
  while (ssh.stats().channels.length > 0) await ssh.keepalive.send()
  assert.deepEqual([forward.connections, forward.stats().failed], [0, 1])
})

test('a listener that throws is the program’s own affair', async (t) => {
  const { ssh } = await started(t)
  const forward = await ssh.forwardLocal({ to: { host: '127.0.0.1', port: await tcpServer(t, countBytes) } })
  const { host = '', port = 0 } = forward.address
  const thrown = new Error('thrown by a listener')
  const caught = new Promise((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve)
    t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  })
  forward.once('connection', () => {
    throw thrown
  })
  assert.equal(await text(net.connect({ host, port }).end('x')), '1 bytes')
  assert.equal(await caught, thrown)
})

const failing: Readonly<Record<string, (thrown: Error) => () => unknown>> = {
  throws: (thrown) => () => {
    throw thrown
  },
  rejects: (thrown) => () => Promise.reject(thrown),
  'rejects by a promise of another library': (thrown) => () => ({
    // oxlint-disable-next-line unicorn/no-thenable -- it is one
    then: (_: unknown, reject: (error: Error) => void) => void setImmediate(reject, thrown),
  }),
}

for (const [how, fail] of Object.entries(failing)) {
  test(`whoever connected does not wait for a program whose function ${how}`, { timeout: 30_000 }, async (t) => {
    const { ssh } = await started(t)
    const thrown = new Error('of the program')
    // The runner takes every rejection for its own.
    const runners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    t.after(() => runners.forEach((listener) => process.on('unhandledRejection', listener)))
    const caught = new Promise((resolve) => {
      process.setUncaughtExceptionCaptureCallback(resolve)
      t.after(() => process.setUncaughtExceptionCaptureCallback(null))
    })
    const forward = await ssh.forwardRemote({ to: fail(thrown) })
    const { host = '', port = 0 } = forward.address
    const visitor = net
      .connect({ host, port })
      .on('error', () => {})
      .resume()
    assert.equal(await caught, thrown)
    await closed(visitor)
    assert.equal(forward.connections, 0)
  })
}
