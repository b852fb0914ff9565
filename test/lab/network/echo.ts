/** A flow through the gateway that says at once what comes through. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabHost } from './host.js'

const port = 7
const program = `
import { createServer } from 'node:net'
createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(${port}, () => console.log('ready'))`

/** Starts a server on a host that sends back what it gets (RFC 862). */
export async function startEcho(host: LabHost): Promise<void> {
  const { stdout } = host.start([process.execPath, '--input-type=module', '--eval', program])
  if (stdout === null) throw new Error('its output is not ours to read')
  await once(stdout, 'data')
}

export class EchoFlow implements Disposable {
  readonly socket: Socket
  #received = ''

  constructor(socket: Socket) {
    this.socket = socket.setEncoding('latin1').setNoDelay(true)
    socket.on('data', (text: string) => (this.#received += text))
  }

  /** A flow to the echo server of a host, or to what stands before it. */
  static async open(to: { readonly host: string; readonly port: number } | LabHost): Promise<EchoFlow> {
    const socket = connect('address' in to ? { host: to.address, port } : to)
    await once(socket, 'connect')
    return new EchoFlow(socket)
  }

  /** Whether a text comes back in time. */
  async echoes(text: string, withinMs: number): Promise<boolean> {
    this.socket.write(text)
    return this.receives(text, withinMs)
  }

  async receives(text: string, withinMs: number): Promise<boolean> {
    for (const since = performance.now(); !this.#received.includes(text); await sleep(5)) {
      if (performance.now() - since > withinMs) return false
    }
    return true
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
