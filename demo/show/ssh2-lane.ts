import { Client, type ClientChannel, type ConnectConfig } from 'ssh2'
import type { Lane, LaneSession } from './lane.js'
import { countMax, intervalMs } from './scale.js'
import { password, username } from './stage.js'

/** How a program ends a command that has run for too long: ssh2 has no limit, so the program has a timer of its own. */
interface Ending {
  readonly call: string
  end(stream: ClientChannel): void
}

/** What comes to mind first: the manual does not say that the command goes on. */
const byClose: Ending = { call: 'stream.close()', end: (stream) => stream.close() }
/** The best that ssh2 has, for those who know of it. It works where the server delivers signals, as this one does. */
const bySignal: Ending = { call: "signal('TERM')", end: (stream) => stream.signal('TERM') }

export const plainSsh2Lane = ssh2Lane('ssh2', 'npm ssh2 as installed: no keepalive', {}, byClose)

export const keepaliveSsh2Lane = ssh2Lane(
  'ssh2, keepalive',
  `npm ssh2 with keepaliveInterval: ${intervalMs}, keepaliveCountMax: ${countMax}`,
  { keepaliveInterval: intervalMs, keepaliveCountMax: countMax },
  bySignal,
)

function ssh2Lane(name: string, options: string, keepalive: ConnectConfig, ending: Ending): Lane {
  return {
    name,
    options,
    connect: ({ host, port }, note) =>
      new Promise((resolve, reject) => {
        const client = new Client()
        client.once('error', reject)
        client.once('ready', () => resolve(new Ssh2Session(client, ending, note)))
        client.connect({ host, port, username, password, ...keepalive })
      }),
  }
}

class Ssh2Session implements LaneSession {
  readonly lost: Promise<string>
  readonly #client: Client
  readonly #ending: Ending
  readonly #note: (text: string) => void

  constructor(client: Client, ending: Ending, note: (text: string) => void) {
    this.#client = client
    this.#ending = ending
    this.#note = note
    this.lost = new Promise((resolve) => {
      client.on('error', (error) => resolve(words(error)))
      client.on('close', () => resolve('close'))
    })
  }

  run(command: string): Promise<string> {
    return this.#exec(command, (stream, done) => {
      let output = ''
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
      stream.on('close', () => done(output.trim()))
    })
  }

  runLimited(command: string, limitMs: number): Promise<string> {
    return this.#exec(command, (stream, done) => {
      const timer = setTimeout(() => {
        this.#note(this.#ending.call)
        this.#ending.end(stream)
      }, limitMs)
      stream.resume()
      stream.on('close', () => {
        clearTimeout(timer)
        done('stream closed')
      })
    })
  }

  readonly closeCall = 'client.end()'

  /** `end()` is how the manual ends a connection. `destroy()` says no goodbye, and drops what is not sent yet. */
  close(): Promise<string> {
    return new Promise((resolve) => {
      this.#client.on('close', () => resolve('closed'))
      this.#client.end()
    })
  }

  #exec(command: string, use: (stream: ClientChannel, done: (text: string) => void) => void): Promise<string> {
    return new Promise((resolve) => {
      this.#client.exec(command, (error, stream) => {
        if (error === undefined) use(stream, resolve)
        else resolve(words(error))
      })
    })
  }
}

function words(error: Error): string {
  return error.message
}
