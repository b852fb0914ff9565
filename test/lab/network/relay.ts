import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Namespace } from './namespace.js'

const program = fileURLToPath(new URL('relay-program.js', import.meta.url))

/** Where something listens. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Starts a relay inside the gateway; it ends with the lab. */
export async function startRelay(gateway: Namespace, host: string, to: Endpoint, delayMs: number): Promise<Endpoint> {
  const words = [program, host, to.host, String(to.port), String(delayMs)]
  const { stdout, stderr } = gateway.start([process.execPath, ...words])
  stderr.pipe(process.stderr, { end: false })
  for await (const port of createInterface(stdout)) return { host, port: Number(port) }
  throw new Error('the relay did not start')
}
