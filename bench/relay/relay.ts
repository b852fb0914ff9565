import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./relay-program.js', import.meta.url))

export interface Relay extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Loses all that comes in from now on, in both directions. */
  cut(): Promise<CutReport>
}

export interface CutReport {
  /** When the last byte went to a client, in milliseconds since 1970. */
  readonly lastToClient: number
}

/** @param delayMs how long a byte is on its way, in each direction */
export async function startRelay(
  to: { readonly host: string; readonly port: number },
  delayMs: number,
): Promise<Relay> {
  const child = fork(program, [to.host, String(to.port), String(delayMs)], { execArgv: [] })
  const [port] = (await once(child, 'message')) as [number]
  return {
    host: '127.0.0.1',
    port,
    async cut() {
      const answered = once(child, 'message') as Promise<[CutReport]>
      child.send('cut')
      return (await answered)[0]
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}
