import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Below the range from which the kernel takes ports for outgoing connections, so that none of those gets in between. */
const range = [10_000, 32_000] as const

/** A port of 127.0.0.1 on which nobody listens now. */
export function freePort(): Promise<number> {
  return portThat(canListen)
}

/** A port on which nobody listens now in the network namespace of a process. */
export function freePortBeside(pid: number): Promise<number> {
  return portThat((port) => !listensOn(port)(pid))
}

async function portThat(isFree: (port: number) => boolean | Promise<boolean>): Promise<number> {
  for (;;) {
    const port = randomInt(...range)
    if (await isFree(port)) return port
  }
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** Whether a port of the process's network namespace is listened on. Asks the kernel: a connection would be logged, and counted, by the server. */
export function listensOn(port: number): (pid: number) => boolean {
  const local = port.toString(16).toUpperCase().padStart(4, '0')
  const listening = new RegExp(String.raw`^ *\d+: [0-9A-F]+:${local} [0-9A-F:]+ 0A `, 'm')
  return (pid) => ['tcp', 'tcp6'].some((table) => listening.test(readTable(`/proc/${pid}/net/${table}`)))
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
