import { chmodSync } from 'node:fs'
import net from 'node:net'
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'
import { HoldfastError } from '../errors.js'
import type { ForwardAddress, ListenPlace } from './listen-options.js'
import { targetText } from './options.js'
import type { ForwardPort } from './port.js'
import { socketPathProblem } from './socket-path.js'

export interface ListenContext {
  readonly port: Pick<ForwardPort, 'waits' | 'errorDetails'>
  readonly signal: AbortSignal | undefined
  /** Milliseconds for the look-up of the host. */
  readonly limitMs: number
}

/** A server of this machine, and where it listens. */
export interface LocalListener {
  readonly server: net.Server
  readonly address: ForwardAddress
}

/**
 * Listens on this machine. Neither the server nor what it accepts keeps the process running: the client does, as long as it
 * is told to.
 * @throws HoldfastError ERR_SSH_LISTEN, ERR_SSH_TIMEOUT (limit `dns`), ERR_SSH_ABORTED, ERR_SSH_CLOSED
 */
export async function listen(place: ListenPlace, { port, signal, limitMs }: ListenContext): Promise<LocalListener> {
  const wait = port.waits.start<void>({
    limit: 'dns',
    limitMs,
    clock: 'peer',
    phase: 'request',
    what: `the listener at ${targetText(place)}`,
    signal,
  })
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }).unref()
  server.on('error', (error) => wait.reject(listenError(place, error, port)))
  server.on('connection', (socket) => socket.unref().on('error', () => {}))
  server.once('listening', () => wait.resolve())
  try {
    if (wait.pending) bind(server, place)
    await wait.promise
    return { server, address: boundTo(server, place) }
  } catch (error) {
    wait.resolve()
    server.close()
    throw error instanceof HoldfastError ? error : listenError(place, error, port)
  }
}

/** Exclusive: the processes of a cluster would share the port, and get each other's connections. */
function bind(server: net.Server, place: ListenPlace): void {
  if (place.path === undefined || process.platform === 'win32') server.listen({ ...place, exclusive: true })
  else bindPrivately(server, place.path)
}

/**
 * As OpenSSH's StreamLocalBindMask does: whoever may connect acts as the user on the server. It is bound before `listen()`
 * returns, so that the mask is in force for this alone, and nobody has connected before.
 */
function bindPrivately(server: net.Server, path: string): void {
  const problem = socketPathProblem(path)
  if (problem !== undefined) throw problem
  // A worker thread may not set the mask of the process.
  const mask = isMainThread ? process.umask(0o177) : undefined
  try {
    server.listen({ path, exclusive: true })
    if (mask === undefined && server.listening) chmodSync(path, 0o600)
  } finally {
    if (mask !== undefined) process.umask(mask)
  }
}

function boundTo(server: net.Server, place: ListenPlace): ForwardAddress {
  const address = server.address()
  if (place.path !== undefined || typeof address !== 'object' || address === null) return place
  return { host: place.host, port: address.port }
}

function listenError(place: ListenPlace, cause: unknown, port: ListenContext['port']): HoldfastError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const details = { ...port.errorDetails(), phase: 'request', cause } as const
  return new HoldfastError('ERR_SSH_LISTEN', `cannot listen at ${targetText(place)}: ${text}`, details)
}
