/**
 * A server on a loopback port that follows the protocol by the server role of our core, and departs from it where a row
 * of the lab tells it. Left alone it lets everybody in, and ends each command well, at once.
 */
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { discard } from '#src/socket/stream.js'
import { decodeGlobalRequest } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import type { Availability } from '../servers/availability.js'
import { SessionScript } from '../session/scripted.js'
import { ScriptedPeer, type ScriptOptions } from '../support/core/scripted-peer.js'

export interface ScriptedServer {
  readonly host: '127.0.0.1'
  readonly port: number
  /** It lets anybody in; other clients need something to say. */
  readonly username: 'deploy'
  readonly password: 'secret'
  /** Every connection that was taken, in order. */
  readonly connections: readonly ScriptedConnection[]
  /** The next connection, or the last one that was taken. */
  connection(): Promise<ScriptedConnection>
}

/** What a row with this server needs of the machine. */
export const nothingNeeded = (): Promise<Availability> => Promise.resolve({ available: true })

export type Script = (connection: ScriptedConnection) => void

/** Starts one for a test. @param script what each connection does, told before its first byte */
export async function scriptedServer(
  t: TestContext,
  script: Script = () => {},
  options: ScriptOptions = {},
): Promise<ScriptedServer> {
  const connections: ScriptedConnection[] = []
  const server = createServer((socket) => {
    const connection = new ScriptedConnection(socket, options)
    connections.push(connection)
    script(connection)
    connection.start()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    for (const connection of connections) connection.socket.destroy()
    await Promise.all(connections.map(({ over }) => over))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the scripted server has no port')
  return {
    host: '127.0.0.1',
    port: address.port,
    username: 'deploy',
    password: 'secret',
    connections,
    async connection() {
      if (connections.length === 0) await once(server, 'connection')
      const last = connections.at(-1)
      if (last === undefined) throw new Error('the scripted server has no connection')
      return last
    },
  }
}

/** The server's end of one connection. */
export class ScriptedConnection {
  readonly socket: Socket
  readonly peer: ScriptedPeer
  /** What it does with sessions. */
  readonly sessions: SessionScript
  /** Resolves once the socket is closed at this end too, however that came about. */
  readonly over: Promise<void>
  /** Sees each message before all others. True: nothing more is done about it. */
  before: (payload: Buffer) => boolean = () => false
  /** Whether it says who it is by itself. */
  identifiesItself = true
  /** Whether global requests that want a reply are kept in `held` instead of answered. */
  holdsReplies = false
  readonly held: Buffer[] = []
  readonly #came = new EventEmitter()
  /** Why the socket ended, if not in order: `ECONNRESET`. */
  #error: string | undefined

  constructor(socket: Socket, options: ScriptOptions) {
    this.socket = socket
    this.peer = new ScriptedPeer({ bytes: randomBytes }, outputOf(socket), options)
    this.sessions = new SessionScript(this.peer, performance)
    this.behave()
    this.#watch()
    this.over = new Promise((resolve) => {
      socket.once('close', () => resolve())
    })
    socket.on('data', (chunk) => this.peer.receive(chunk))
    socket.on('end', () => this.peer.streamEnded())
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error.code
    })
  }

  /** Says who it is and what it wants. */
  start(): void {
    if (this.identifiesItself) this.peer.start()
  }

  /** From now on it answers as a server should, and ends each command well. */
  behave(): void {
    this.before = () => false
    this.sessions.grant = () => true
    this.sessions.requested = (type, channel) => {
      if (type === 'exec') this.sessions.finish(channel)
    }
  }

  /** `FIN`, or the error of the socket: how the other side ended it. */
  get endedBy(): string | undefined {
    return this.#error ?? (this.peer.closed === undefined ? undefined : 'FIN')
  }

  /** The first message of that number, past or to come. */
  async message(number: number): Promise<Buffer> {
    for (;;) {
      const [first] = this.peer.heardOf(number)
      if (first !== undefined) return first
      await once(this.#came, 'message')
    }
  }

  /** Waits until so many requests are held. */
  async requests(count: number): Promise<void> {
    while (this.held.length < count) await once(this.#came, 'message')
  }

  /** Says something again and again, until the connection is over or the returned function is called. */
  keepSending(everyMs: number, say: () => void): () => void {
    const timer = setInterval(say, everyMs)
    const stop = () => clearInterval(timer)
    void this.over.then(stop)
    return stop
  }

  #watch(): void {
    const next = this.peer.before
    this.peer.before = (payload) => {
      const isTaken = this.before(payload) || this.#hold(payload) || next(payload)
      this.#came.emit('message')
      return isTaken
    }
  }

  #hold(payload: Buffer): boolean {
    if (!this.holdsReplies || payload[0] !== messageNumber.GLOBAL_REQUEST) return false
    const { wantReply } = decodeGlobalRequest(payload)
    if (wantReply) this.held.push(payload)
    return wantReply
  }
}

function outputOf(socket: Socket) {
  return {
    write: (bytes: Buffer) => {
      if (socket.writable) socket.write(bytes)
    },
    end: (error?: Error) => {
      if (error === undefined) socket.end()
      else discard(socket)
    },
  }
}
