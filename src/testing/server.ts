import { createServer, type Server, type Socket } from 'node:net'
import type { HostKeyInfo } from './host-keys.js'
import { closed, listen } from './listen.js'
import type { RunningProcess } from './local-shell.js'
import { ServerConnection } from './server-connection.js'
import { readServerOptions, type ServerOptions, type ServerSettings } from './server-options.js'

/**
 * Starts an SSH server on 127.0.0.1 for tests and demonstrations. It is Holdfast's own core in the other role.
 *
 * It is no production server. With `shell` it runs what any client that can log in asks for, as the user who runs this
 * program, with nothing between; it keeps no log, limits no rate, and drops no privilege.
 *
 * @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_KEY, ERR_SSH_PASSPHRASE
 */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  const settings = await readServerOptions(options)
  const server = createServer({ noDelay: true })
  const { port } = await listen(server, '127.0.0.1', settings.port)
  return new TestServer(server, port, settings)
}

/** The server that `startServer()` started. */
export class TestServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  /** What a client has to know to trust this server, by host key; `hostKey` is the first of them. */
  readonly hostKeys: readonly HostKeyInfo[]
  readonly #server: Server
  readonly #settings: ServerSettings
  readonly #connections = new Set<ServerConnection>()
  /** Connections that came while the server was frozen, and of which it knows nothing yet. */
  readonly #unseen = new Set<Socket>()
  #isFrozen = false
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(server: Server, port: number, settings: ServerSettings) {
    this.port = port
    this.hostKeys = settings.hostKeys.info(this.host, port)
    this.#server = server
    this.#settings = settings
    server.on('connection', (socket) => this.#accept(socket))
  }

  get hostKey(): HostKeyInfo {
    const [first] = this.hostKeys
    if (first === undefined) throw new RangeError('a server has at least one host key')
    return first
  }

  /** The connections that are open, oldest first. */
  get connections(): readonly ServerConnection[] {
    return [...this.#connections]
  }

  /** The commands of the local shell of which something still runs on this machine. */
  processes(): readonly RunningProcess[] {
    return this.#settings.localShell?.processes() ?? []
  }

  /**
   * Stops, as a process does at SIGSTOP: nothing is read and nothing is sent, while the kernel takes connections and
   * bytes, and acknowledges them. Commands of the local shell run on.
   */
  freeze(): void {
    this.#isFrozen = true
    for (const connection of this.#connections) connection.freeze()
  }

  /** Goes on after `freeze()`: whatever came meanwhile is handled now. */
  thaw(): void {
    this.#isFrozen = false
    for (const connection of this.#connections) connection.thaw()
    for (const socket of this.#unseen) this.#serve(socket)
    this.#unseen.clear()
  }

  /**
   * Ends all connections, in order where their peers let it within half a second; kills the commands of the local shell;
   * and stops listening. When it has resolved, nothing of the server is left.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(socket: Socket): void {
    if (!this.#isFrozen) {
      this.#serve(socket)
      return
    }
    this.#unseen.add(socket)
    socket.on('error', () => {})
  }

  #serve(socket: Socket): void {
    const connection = new ServerConnection(socket, {
      settings: this.#settings,
      ended: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
    connection.start()
  }

  async #close(): Promise<void> {
    const noMore = closed(this.#server)
    for (const socket of this.#unseen) socket.destroy()
    await Promise.all(this.connections.map((connection) => connection.disconnect()))
    await Promise.all([noMore, this.#settings.localShell?.close()])
  }
}
