/**
 * A way to a server that takes its time: ends TCP on both sides and hands on what comes in, later. A process of its own, so
 * that it shares no event loop with a client. Arguments: host and port of the server, and how many milliseconds a byte is on
 * its way. Its port is its first message. Told to cut, it hands on nothing more, and says when the last byte went to a client.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import process from 'node:process'
import { Lane } from './lane.js'
import type { CutReport } from './relay.js'

const [, , host = '', port, delay] = process.argv
const delayMs = Number(delay)
const lanes = new Set<Lane>()
let lastToClient = 0

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const target = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true })
  join(client, target, () => {})
  join(target, client, () => {
    lastToClient = performance.timeOrigin + performance.now()
  })
})

function join(from: Socket, to: Socket, handedOn: () => void): void {
  const lane = new Lane({ from, to, delayMs, handedOn })
  lanes.add(lane)
  from.on('close', () => lanes.delete(lane))
}

process.on('message', () => {
  for (const lane of lanes) lane.cut()
  const report: CutReport = { lastToClient }
  process.send?.(report)
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
