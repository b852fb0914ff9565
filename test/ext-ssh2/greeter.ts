import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

/** A server that greets, answers each line, and hangs up at `quit`. */
export async function greeter(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('hello\n')
    createInterface(socket).on('line', (line) => {
      if (line === 'quit') socket.end('bye\n')
      else socket.write(`you said ${line}\n`)
    })
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
