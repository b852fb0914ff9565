import assert from 'node:assert/strict'
import { once } from 'node:events'
import os from 'node:os'
import { test } from 'node:test'
import { dial } from '#src/socket/dial.js'
import type { Lookup } from '#src/socket/resolve.js'
import { tcpKeepaliveOf } from '#src/socket/tcp-keepalive.js'
import { blackhole, noBlackhole } from './blackhole.js'
import { closedPort, listen, parts } from './parts.js'
import { runScript } from './run-script.js'

function answering(...addresses: string[]): Lookup {
  return (_host, _options, callback) => {
    const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    setImmediate(() => callback(null, answer))
  }
}

const hanging: Lookup = () => {}
const loopback = Object.values(os.networkInterfaces()).flat()
const noIpv6 = loopback.some((own) => own?.address === '::1') ? false : 'this machine has no ::1'

test('a name is looked up and its address connected to, with SO_KEEPALIVE on', async (t) => {
  const own = parts(t)
  const { port } = await listen(t)
  const socket = await dial({ host: 'web1', port }, { lookup: answering('127.0.0.1') }, own)
  assert.equal(socket.remotePort, port)
  assert.equal(tcpKeepaliveOf(socket), true)
  assert.deepEqual([own.waits.size, own.deadlines.size], [0, 0])
  socket.destroy()
})

test('SO_KEEPALIVE is left off where it is not wanted', async (t) => {
  const { port } = await listen(t)
  const socket = await dial({ host: '127.0.0.1', port }, { tcpKeepalive: false }, parts(t))
  assert.equal(tcpKeepaliveOf(socket), false)
  socket.destroy()
})

test('localAddress binds, and its family picks the addresses', async (t) => {
  const { port, accepted } = await listen(t)
  const asked: number[] = []
  const lookup: Lookup = (host, options, callback) => {
    asked.push(options.family)
    answering('127.0.0.1')(host, options, callback)
  }
  const socket = await dial({ host: 'web1', port }, { localAddress: '127.0.0.9', lookup }, parts(t))
  while (accepted.length === 0) await new Promise(setImmediate)
  assert.equal(accepted[0]?.remoteAddress, '127.0.0.9')
  assert.deepEqual(asked, [4])
  socket.destroy()
})

test('a local IPv6 address picks the IPv6 addresses', { skip: noIpv6 }, async (t) => {
  const { port } = await listen(t, '::1')
  const lookup = answering('127.0.0.1', '::1')
  const socket = await dial({ host: 'web1', port }, { localAddress: '::1', lookup }, parts(t))
  assert.equal(socket.remoteAddress, '::1')
  socket.destroy()
})

test('localPort binds', async (t) => {
  const { port, accepted } = await listen(t)
  const localPort = await closedPort()
  const socket = await dial({ host: '127.0.0.1', port }, { localPort }, parts(t))
  while (accepted.length === 0) await new Promise(setImmediate)
  assert.equal(accepted[0]?.remotePort, localPort)
  socket.destroy()
})

test('an address that this machine does not have is told as the system tells it', async (t) => {
  const own = parts(t)
  const { port } = await listen(t)
  await assert.rejects(dial({ host: '127.0.0.1', port }, { localAddress: '192.0.2.1' }, own), {
    code: 'ERR_SSH_CONNECT',
    message: /^bind EADDRNOTAVAIL 192\.0\.2\.1/,
  })
  assert.deepEqual([own.waits.size, own.deadlines.size], [0, 0])
})

const wrong: [string, Parameters<typeof dial>[0], Parameters<typeof dial>[1], RegExp][] = [
  ['a port beyond 65535', { host: '127.0.0.1', port: 65_536 }, {}, /^port must be .* 1 to 65535, not 65536$/],
  ['port 0', { host: '127.0.0.1', port: 0 }, {}, /^port must be/],
  ['a broken local port', { host: '127.0.0.1', port: 22 }, { localPort: 1.5 }, /^localPort must be/],
  ['a local name', { host: '127.0.0.1', port: 22 }, { localAddress: 'web\u001b1' }, /not web\\x1b1$/],
  [
    'two families',
    { host: 'web1', port: 22 },
    { localAddress: '::1', family: 4 },
    /^localAddress ::1 is an IPv6 address/,
  ],
  ['a target of another family', { host: '::1', port: 22 }, { localAddress: '127.0.0.1' }, /^::1 is no IPv4 address/],
]
for (const [what, target, options, message] of wrong) {
  test(`${what} is a wrong option`, async (t) => {
    await assert.rejects(dial(target, options, parts(t)), { code: 'ERR_SSH_OPTION', phase: 'options', message })
  })
}

test('onread gets what the winner reads', async (t) => {
  const { port, server } = await listen(t)
  server.on('connection', (socket) => socket.end('SSH-2.0-test\r\n'))
  const buffer = Buffer.alloc(64)
  const heard: string[] = []
  const callback = (bytes: number) => {
    heard.push(buffer.toString('latin1', 0, bytes))
    return true
  }
  const socket = await dial({ host: '127.0.0.1', port }, { onread: { buffer, callback } }, parts(t))
  assert.deepEqual(heard, [])
  await once(socket, 'end')
  assert.deepEqual(heard, ['SSH-2.0-test\r\n'])
  socket.destroy()
})

test('a dial that nobody awaits keeps no process running, whatever it waits for', { skip: noBlackhole }, async (t) => {
  const own = parts(t)
  const port = await blackhole(t, '127.0.0.2')
  own.waits.keepRunning(false)
  for (const isAwaited of [true, false]) {
    for (const lookup of [hanging, answering('127.0.0.2', '127.0.0.2')]) {
      const abort = new AbortController()
      const dialing = dial({ host: 'web1', port }, { lookup, signal: abort.signal, isAwaited }, own)
      const held = new Set<boolean>()
      for (let turn = 0; turn < 50; turn++) {
        held.add(own.waits.holdsProcess)
        await new Promise(setImmediate)
      }
      assert.ok(own.waits.size > 0)
      assert.deepEqual([...held], [isAwaited])
      abort.abort()
      await assert.rejects(dialing, { code: 'ERR_SSH_ABORTED' })
    }
  }
})

test('a signal that aborts while names are looked up or addresses tried ends the dial, and only the dial', {
  skip: noBlackhole,
}, async (t) => {
  const own = parts(t)
  const port = await blackhole(t, '127.0.0.2')
  for (const [host, lookup, phase] of [
    ['web1', hanging, 'dns'],
    ['web1', answering('127.0.0.2', '127.0.0.2'), 'tcp'],
  ] as const) {
    const abort = new AbortController()
    const dialing = dial({ host, port }, { lookup, signal: abort.signal }, own)
    setTimeout(() => abort.abort(), 50)
    await assert.rejects(dialing, { name: 'AbortError', code: 'ERR_SSH_ABORTED', phase })
    assert.deepEqual([own.waits.size, own.deadlines.size], [0, 0])
  }
  const { port: fine } = await listen(t)
  const abort = new AbortController()
  const socket = await dial({ host: '127.0.0.1', port: fine }, { signal: abort.signal }, own)
  abort.abort()
  assert.ok(!socket.destroyed)
  socket.destroy()
})

test('a process whose dial failed at DNS, at TCP or by abort ends by itself', async () => {
  const { code, stdout, stderr } = await runScript('dial')
  assert.equal(stderr, '')
  assert.equal(stdout, 'ERR_SSH_TIMEOUT dns\nERR_SSH_CONNECT undefined\nERR_SSH_ABORTED undefined\n')
  assert.equal(code, 0)
})

test('a process that awaits a dial does not end under it, though its timers are the only thing left', async () => {
  const { code, stdout } = await runScript('dial', 'hanging')
  assert.equal(stdout, 'ERR_SSH_TIMEOUT dns\n')
  assert.equal(code, 0)
})
