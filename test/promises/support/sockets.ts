import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** What this machine's kernel still has of connections to a port, but for TIME-WAIT: a line of proc(5), tcp(7) each. */
export async function socketsTo(port: number, host = '127.0.0.1'): Promise<readonly string[]> {
  const [, ...lines] = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n')
  const remote = `${addressInTable(host)}:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[2] === remote && fields[3] !== '06')
    .map((fields) => fields.join(' '))
}

/** Waits until there is nothing left of them: of a connection that was closed in order, once the peer has closed it too. */
export async function untilNoSockets(port: number): Promise<void> {
  while ((await socketsTo(port)).length > 0) await pause(20)
}

/** In the byte order of the machine, which is little-endian wherever these tests run. */
function addressInTable(host: string): string {
  const bytes = host.split('.').toReversed().map(Number)
  return Buffer.from(bytes).toString('hex').toUpperCase()
}
