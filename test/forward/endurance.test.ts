import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Client, Forward, HoldfastError } from 'holdfast'
import { closed, countBytes, echo, tcpServer } from './local-servers.js'
import { started } from './started.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 120_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What of this process there is only while something is open or waits. */
function held(): readonly string[] {
  return process.getActiveResourcesInfo().toSorted()
}

function dial({ address }: Forward): net.Socket {
  const { host = '', port = 0 } = address
  return net.connect({ host, port, allowHalfOpen: true }).on('error', () => {})
}

async function drained(ssh: Client, forward: Forward): Promise<void> {
  while (forward.connections > 0 || ssh.stats().channels.length > 0) await ssh.keepalive.send()
}

describe('forwards', () => {
  for (const { kind, total } of [
    { kind: 'forwardLocal', total: 5000 },
    { kind: 'forwardRemote', total: 3000 },
  ] as const) {
    test(`of ${kind}() carry ${total} short connections, and keep nothing of them`, { timeout }, async (t) => {
      const { ssh } = await started(t)
      const forward = await ssh[kind]({ to: { host: '127.0.0.1', port: await tcpServer(t, echo) } })
      const rounds = async (count: number): Promise<void> => {
        let left = count
        const worker = async (): Promise<void> => {
          while (left-- > 0) assert.equal(await text(dial(forward).end('ping')), 'ping')
        }
        await Promise.all(Array.from({ length: 50 }, worker))
        await drained(ssh, forward)
      }
      // What is made once, and what the machine compiles, is not counted.
      await rounds(1000)
      await sleep(100)
      collectGarbage()
      const [resources, heapBefore] = [held(), process.memoryUsage().heapUsed]
      await rounds(total - 1000)
      await sleep(100)
      collectGarbage()
      const grown = process.memoryUsage().heapUsed - heapBefore
      assert.deepEqual(held(), resources)
      // A socket or a tunnel that is kept is kilobytes.
      assert.ok(grown < 2_000_000, `${grown} bytes`)
      const { open, accepted, failed, bytesSent, bytesReceived } = forward.stats()
      assert.deepEqual([open, accepted, failed, bytesSent, bytesReceived], [0, total, 0, 4 * total, 4 * total])
      await forward.close()
    })

    test(`of ${kind}() pass each end on by itself, whichever side says it first`, { timeout }, async (t) => {
      const { ssh } = await started(t)
      const counting = await ssh[kind]({ to: { host: '127.0.0.1', port: await tcpServer(t, countBytes) } })
      const client = dial(counting)
      client.write('12345')
      await sleep(50)
      assert.equal(await text(client.end('67890')), '10 bytes')
      const heard: string[] = []
      const port = await tcpServer(t, (socket) => {
        socket.end('that is all from here')
        socket.setEncoding('utf8').on('data', (words: string) => heard.push(words))
      })
      const parting = await ssh[kind]({ to: { host: '127.0.0.1', port } })
      const listener = dial(parting).setEncoding('utf8')
      let told = ''
      listener.on('data', (words: string) => {
        told += words
      })
      await once(listener, 'end')
      assert.deepEqual([told, listener.writable, heard], ['that is all from here', true, []])
      listener.end('and from here')
      await drained(ssh, parting)
      assert.deepEqual([heard.join(''), parting.stats().failed], ['and from here', 0])
    })

    test(`of ${kind}() hold up who sends to somebody who does not read, in both directions`, { timeout }, async (t) => {
      const size = 60_000_000
      const { ssh } = await started(t)
      const deaf: net.Socket[] = []
      const up = await ssh[kind]({
        to: { host: '127.0.0.1', port: await tcpServer(t, (socket) => void deaf.push(socket.pause())) },
      })
      const down = await ssh[kind]({
        to: { host: '127.0.0.1', port: await tcpServer(t, (socket) => void socket.end(Buffer.alloc(size))) },
      })
      const [writer, reader] = [dial(up), dial(down).pause()]
      writer.end(Buffer.alloc(size))
      const moved = (): readonly number[] => [up.stats().bytesSent, down.stats().bytesReceived]
      // Until nothing moves any more.
      for (let before = [0, 0]; moved().some((bytes, index) => bytes === 0 || bytes !== before[index]); ) {
        before = [...moved()]
        await sleep(200)
      }
      // What is on its way, in two kernels and both ends of the SSH connection.
      for (const bytes of moved()) assert.ok(bytes < size / 2, `${bytes} bytes`)
      for (const { unsentBytes } of ssh.stats().channels) assert.ok(unsentBytes < 1_000_000, `${unsentBytes} unsent`)
      const [socket] = deaf
      assert.ok(socket)
      socket.once('end', () => socket.end())
      assert.deepEqual([(await buffer(reader)).length, (await buffer(socket)).length], [size, size])
      reader.end()
      await Promise.all([drained(ssh, up), drained(ssh, down)])
    })

    test(`of ${kind}() end a connection on which nothing moves, and no other`, { timeout }, async (t) => {
      const { ssh } = await started(t)
      const to = { host: '127.0.0.1', port: await tcpServer(t, echo) }
      const forward = await ssh[kind]({ to, idleTimeout: 400 })
      const [idle, busy] = [dial(forward).resume(), dial(forward)]
      // A server that closes a channel cannot be told from one whose target has ended in order.
      idle.once('end', () => idle.end())
      const failure = once(forward, 'failure')
      for (let round = 0; round < 12; round++) {
        busy.write('x')
        await once(busy, 'data')
        await sleep(100)
      }
      const [error] = (await failure) as [HoldfastError]
      await closed(idle)
      assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', 'idleTimeout', 400])
      assert.deepEqual([forward.connections, busy.destroyed], [1, false])
      busy.end().resume()
      await drained(ssh, forward)
      assert.equal(forward.stats().failed, 1)
    })
  }
})
