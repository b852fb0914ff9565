import net from 'node:net'
import { HoldfastError } from '../errors.js'
import { dial } from '../socket/dial.js'
import { discard } from '../socket/stream.js'
import type { TunnelTarget } from './options.js'
import type { ForwardPort } from './port.js'
import { socketPathProblem } from './socket-path.js'

export interface LocalTargetContext {
  readonly port: Pick<ForwardPort, 'waits' | 'deadlines' | 'now'>
  /** Milliseconds. */
  readonly limits: { readonly dns: number; readonly tcp: number }
  readonly signal: AbortSignal
}

/**
 * Connects from this machine to what a remote forward leads to. It was the server who wanted that: no caller waits for it.
 * @throws HoldfastError ERR_SSH_DNS, ERR_SSH_CONNECT, ERR_SSH_TIMEOUT (limit `dns` or `tcp`), ERR_SSH_ABORTED
 */
export async function reachLocally(target: TunnelTarget, context: LocalTargetContext): Promise<net.Socket> {
  if (target.path !== undefined) return connectUnix(target.path, context)
  const { port, limits, signal } = context
  const { waits, deadlines } = port
  const socket = await dial(target, { signal, isAwaited: false }, { waits, deadlines, limits, now: () => port.now() })
  socket.on('error', () => {}).unref()
  // It has not read anything yet.
  socket.allowHalfOpen = true
  return socket
}

async function connectUnix(path: string, { port, limits, signal }: LocalTargetContext): Promise<net.Socket> {
  const problem = socketPathProblem(path)
  if (problem !== undefined) throw connectError(path, problem)
  const wait = port.waits.start<void>({
    limit: 'tcp',
    limitMs: limits.tcp,
    clock: 'peer',
    phase: 'tcp',
    what: `the connection to ${path}`,
    signal,
    isAwaited: false,
  })
  const socket = net.connect({ path, allowHalfOpen: true }).unref()
  socket.on('error', (cause) => wait.reject(connectError(path, cause)))
  socket.once('connect', () => wait.resolve())
  try {
    await wait.promise
    return socket
  } catch (error) {
    discard(socket)
    throw error
  }
}

function connectError(path: string, cause: Error): HoldfastError {
  return new HoldfastError('ERR_SSH_CONNECT', `cannot connect to ${path}: ${cause.message}`, { phase: 'tcp', cause })
}
