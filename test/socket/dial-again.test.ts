import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { dialAgain } from '#src/socket/dial-again.js'
import { closedPort, parts } from './parts.js'

test('a port that opens between two attempts is connected to', async (t) => {
  const port = await closedPort()
  const own = parts(t)
  const dialling = dialAgain({ host: '127.0.0.1', port }, 5, {}, own)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const server = createServer((socket) => socket.resume()).listen(port, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const socket = await dialling
  assert.equal(socket.remotePort, port)
  assert.deepEqual([own.waits.size, own.deadlines.size], [0, 0])
  socket.destroy()
})

test('the error of the last attempt is told, and the attempts are a second apart', async (t) => {
  const port = await closedPort()
  const since = performance.now()
  await assert.rejects(dialAgain({ host: '127.0.0.1', port }, 2, {}, parts(t)), { code: 'ERR_SSH_CONNECT' })
  assert.ok(performance.now() - since >= 990)
})

test('a pause ends with its signal', async (t) => {
  const port = await closedPort()
  const own = parts(t)
  const aborting = new AbortController()
  const dialling = dialAgain({ host: '127.0.0.1', port }, 1000, { signal: aborting.signal }, own)
  setTimeout(() => aborting.abort(), 100)
  await assert.rejects(dialling, { code: 'ERR_SSH_ABORTED' })
  assert.deepEqual([own.waits.size, own.deadlines.size], [0, 0])
})
