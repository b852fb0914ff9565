// What the kernel keeps of a connection that a program gives up, where the server never ends its own side: nothing.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Channel } from 'holdfast/ssh2'
import { signalConnections } from '../promises/support/signals.js'
import { socketsTo, untilNoSockets } from '../promises/support/sockets.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { configOf, dropIn, ready, value, within } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

/** A reset comes after 2 s; a kernel that is left alone with it takes a minute or more. */
const goneMs = 30_000

/** Says who it is, and then neither reads nor writes. */
async function silent(t: TestContext): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.push(socket.on('error', () => {}))
    socket.write('SSH-2.0-silent\r\n')
  }).listen(0, '127.0.0.1')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** Until the kernel has bytes for that port that the far side does not take. */
async function untilUnacknowledged(port: number): Promise<void> {
  while (!(await socketsTo(port)).some((line) => !line.split(' ')[4]?.startsWith('00000000:'))) await pause(20)
}

describe('a connection that is given up leaves no socket behind', { timeout: 120_000 }, () => {
  test('by readyTimeout, to a server that says nothing more', async (t) => {
    const port = await silent(t)
    const client = new dropIn.Client()
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    const failed = once(client, 'error')
    client.connect({ host: '127.0.0.1', port, username: 'somebody', password: 'secret', readyTimeout: 1000 })
    const [{ level }] = (await failed) as [{ level: string }]
    assert.equal(level, 'client-timeout')
    await closed
    await within(untilNoSockets(port), 'the end of the socket', goneMs)
  })

  test('by destroy(), of a server that is frozen', { skip }, async (t) => {
    for (const unacknowledged of [0, 400_000]) {
      const server = await sshd(t, { version: '9.2' })
      const client = await ready(t, dropIn, await configOf(server))
      const stream = await value<Channel>((done) => client.exec('cat > /dev/null', done))
      await signalConnections(server, 'SIGSTOP')
      if (unacknowledged > 0) {
        stream.write(Buffer.alloc(unacknowledged), () => {})
        await within(untilUnacknowledged(server.port), 'bytes that nobody takes')
      }
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
      client.destroy()
      await within(closed, 'close')
      await within(untilNoSockets(server.port), `the end of the socket with ${unacknowledged} bytes`, goneMs)
    }
  })
})
