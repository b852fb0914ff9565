/** A flow through the gateway that says at once what comes through. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabHost } from './host.js'
import type { Endpoint } from './relay.js'

const port = 7
const program = `
import { createServer } from 'node:net'
const server = createServer((socket) => socket.setNoDelay().on('error', () => {}).pipe(socket))
server.listen(${port}, '0.0.0.0', () => console.log('ready'))`

/** Starts a server on a host that sends back what it gets (RFC 862). */
export async function startEcho(host: LabHost): Promise<Endpoint> {
  const { stdout } = host.start([process.execPath, '--input-type=module', '--eval', program])
  await once(stdout, 'data')
  return { host: host.address, port }
}

/** A connection to an echo server. */
export class EchoFlow implements Disposable {
  readonly socket: Socket
  #received = ''
  readonly #closed: Promise<void>
  #errorCode: string | undefined

  constructor(socket: Socket) {
    this.socket = socket.setEncoding('latin1').setNoDelay(true)
    socket.on('data', (text: string) => (this.#received += text))
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', (error: NodeJS.ErrnoException) => (this.#errorCode = error.code))
  }

  static async open(to: Endpoint): Promise<EchoFlow> {
    const socket = connect(to)
    await once(socket, 'connect')
    return new EchoFlow(socket)
  }

  /** Waits for the end of the connection, and returns the code of what ended it. */
  async failure(): Promise<string | undefined> {
    await this.#closed
    return this.#errorCode
  }

  /** Whether a text comes back in time. */
  async echoes(text: string, withinMs = 10_000): Promise<boolean> {
    this.socket.write(text)
    return this.receives(text, withinMs)
  }

  async receives(text: string, withinMs = 10_000): Promise<boolean> {
    for (const since = performance.now(); !this.#received.includes(text); await sleep(5)) {
      if (performance.now() - since > withinMs) return false
    }
    return true
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
