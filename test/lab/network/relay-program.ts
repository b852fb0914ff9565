/**
 * Runs inside the gateway: ends TCP on both sides and hands on what comes in, later. Arguments: the address to listen on,
 * the address and port to connect to, and how many milliseconds a byte is on its way. Its port goes to standard output.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import process from 'node:process'

/** On its way in one direction of a connection; a sender that is faster waits. */
const mostBytes = 4 * 1024 * 1024

function forward(from: Socket, to: Socket, delayMs: number): void {
  let underway = 0
  from.on('data', (chunk: Buffer) => {
    underway += chunk.length
    if (underway > mostBytes) from.pause()
    setTimeout(() => {
      to.write(chunk, () => {
        underway -= chunk.length
        if (underway <= mostBytes) from.resume()
      })
    }, delayMs)
  })
  from.on('end', () => setTimeout(() => to.end(), delayMs))
  from.on('error', () => to.resetAndDestroy())
}

const [, , listenOn, host, port, delay] = process.argv
const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const target = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true })
  forward(client, target, Number(delay))
  forward(target, client, Number(delay))
})
server.listen(0, listenOn)
await once(server, 'listening')
console.log((server.address() as AddressInfo).port)
