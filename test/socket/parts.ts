import { once } from 'node:events'
import net from 'node:net'
import type { TestContext } from 'node:test'
import { Deadlines } from '#src/liveness/deadlines.js'
import { Waits } from '#src/liveness/waits.js'
import type { DialContext } from '#src/socket/dial.js'
import { Scheduler, systemClock } from '#src/socket/scheduler.js'

export interface Parts extends DialContext {
  readonly scheduler: Scheduler
}

/** What a connection brings to a dial, with a scheduler that the test's end stops. */
export function parts(t: TestContext, limits: Partial<DialContext['limits']> = {}): Parts {
  const deadlines = new Deadlines()
  const { now } = systemClock
  const waits = new Waits({ now, lastTrafficAt: () => 0, errorDetails: () => ({ host: 'test' }) }, deadlines)
  const scheduler = new Scheduler({ deadlines, waits, onWake: () => {}, onDisturbed: () => {} })
  t.after(() => scheduler.stop())
  return { deadlines, waits, scheduler, now, limits: { dns: 10_000, tcp: 10_000, ...limits } }
}

export interface Listener {
  readonly port: number
  readonly server: net.Server
  /** What it accepted so far. */
  readonly accepted: net.Socket[]
}

/** A server on loopback; it and what it accepted are gone at the test's end. */
export async function listen(t: TestContext, host = '127.0.0.1', port = 0): Promise<Listener> {
  const accepted: net.Socket[] = []
  const server = net.createServer((socket) => {
    accepted.push(socket.on('error', () => {}))
  })
  server.listen(port, host)
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of accepted) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP server')
  return { port: address.port, server, accepted }
}

/** A port on which nobody listens. */
export async function closedPort(host = '127.0.0.1'): Promise<number> {
  const server = net.createServer().listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP server')
  server.close()
  await once(server, 'close')
  return address.port
}
