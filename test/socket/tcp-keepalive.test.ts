import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTcpKeepalive, tcpKeepaliveOf, tcpValues } from '#src/socket/tcp-keepalive.js'
import { listen } from './parts.js'
import { runScript } from './run-script.js'

const linuxPerl = process.platform === 'linux' && spawnSync('perl', ['-e', '1']).status === 0
const skip = linuxPerl ? false : 'reads the options of a socket by perl on Linux'
const canSetValues = net.Socket.prototype.setKeepAlive.length >= 4

/** SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT, as a child that inherits the socket reads them. */
async function kernelValues(socket: net.Socket): Promise<number[]> {
  const script = `print join ' ', map { unpack 'i', getsockopt STDIN, $_->[0], $_->[1] } [1, 9], [6, 4], [6, 5], [6, 6]`
  const child = spawn('perl', ['-e', script], { stdio: [socket, 'pipe', 'inherit'] })
  return (await text(child.stdout)).split(' ').map(Number)
}

async function connected(t: TestContext): Promise<net.Socket> {
  const { port } = await listen(t)
  const socket = net.connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

test("on and off, with the kernel's own values", { skip }, async (t) => {
  const socket = await connected(t)
  const [off, ...own] = await kernelValues(socket)
  assert.equal(off, 0)
  assert.equal(setTcpKeepalive(socket, true), true)
  assert.deepEqual(await kernelValues(socket), [1, ...own])
  assert.equal(setTcpKeepalive(socket, false), false)
  assert.deepEqual(await kernelValues(socket), [0, ...own])
})

test('values of its own hold where this Node can set them, and never by halves', { skip }, async (t) => {
  const socket = await connected(t)
  const [, ...own] = await kernelValues(socket)
  const wanted = { idleMs: 20_000, intervalMs: 4001, count: 4 }
  const held = setTcpKeepalive(socket, wanted)
  assert.deepEqual(held, canSetValues ? { ...wanted, intervalMs: 5000 } : true)
  assert.deepEqual(tcpKeepaliveOf(socket), held)
  assert.deepEqual(await kernelValues(socket), canSetValues ? [1, 20, 5, 4] : [1, ...own])
})

test('a delay with what every Node makes of it is set by every Node', { skip }, async (t) => {
  const socket = await connected(t)
  const wanted = { idleMs: 30_000, intervalMs: 1000, count: 10 }
  assert.deepEqual(setTcpKeepalive(socket, wanted), wanted)
  assert.deepEqual(await kernelValues(socket), [1, 30, 1, 10])
})

test("what is left out is the kernel's own value", { skip }, async (t) => {
  const [, idle = 0, interval = 0, count] = await kernelValues(await connected(t))
  assert.deepEqual(tcpValues({ count: 3 }), { idleMs: 1000 * idle, intervalMs: 1000 * interval, count: 3 })
  assert.deepEqual(tcpValues({ idle: 60_000 }), { idleMs: 60_000, intervalMs: 1000 * interval, count })
  assert.equal(tcpValues(true), true)
})

test('values outlive a change to on without values, and are told so', { skip }, async (t) => {
  const socket = await connected(t)
  const wanted = { idleMs: 30_000, intervalMs: 1000, count: 10 }
  setTcpKeepalive(socket, wanted)
  assert.deepEqual(setTcpKeepalive(socket, true), wanted)
  assert.deepEqual(await kernelValues(socket), [1, 30, 1, 10])
})

test('a Node that cannot set values warns once a process', async () => {
  const { stdout } = await runScript('tcp-keepalive')
  assert.equal(stdout, canSetValues ? '' : 'HoldfastWarning HOLDFAST_TCP_KEEPALIVE\n')
})
