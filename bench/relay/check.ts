import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { median } from '../statistics.js'
import { startRelay } from './relay.js'

/** What the relay itself can do, so that it is known not to be the limit. */
export interface RelayCheck {
  readonly roundTripMs: number
  readonly megabytesASecond: number
}

const bytes = 256e6
const piece = Buffer.alloc(256 * 1024)

/** @param delayMs in each direction */
export async function checkRelay(delayMs: number): Promise<RelayCheck> {
  const server = createServer({ noDelay: true }, answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    await using relay = await startRelay({ host: '127.0.0.1', port }, delayMs)
    const socket = connect({ host: relay.host, port: relay.port, noDelay: true })
    const roundTrips: number[] = []
    for (let count = 0; count < 10; count++) roundTrips.push(await echoMs(socket, 'x'))
    const ms = await echoMs(socket, bytes)
    socket.destroy()
    return { roundTripMs: median(roundTrips), megabytesASecond: bytes / 1000 / ms }
  } finally {
    server.close()
  }
}

/** Answers one byte at once, and many once all of them have come. */
function answer(socket: Socket): void {
  let received = 0
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received !== 1 && received < bytes) return
    received = 0
    socket.write('x')
  })
  socket.on('error', () => {})
}

async function echoMs(socket: Socket, what: string | number): Promise<number> {
  const startedAt = performance.now()
  const answered = once(socket, 'data')
  if (typeof what === 'string') socket.write(what)
  else for (let rest = what; rest > 0; rest -= piece.length) socket.write(piece.subarray(0, rest))
  await answered
  return performance.now() - startedAt
}
