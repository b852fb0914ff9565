import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface Listener {
  readonly port: number
  /** All that were accepted, in order. */
  readonly sockets: readonly Socket[]
}

/** A port that does with each connection what it is told, and no more. */
export async function listener(t: TestContext, accept: (socket: Socket) => void = () => {}): Promise<Listener> {
  const sockets: Socket[] = []
  const listening = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    accept(socket)
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  })
  const address = listening.address()
  assert.ok(address !== null && typeof address === 'object')
  return { port: address.port, sockets }
}
