import { connect, type Socket } from 'node:net'
import { HoldfastError } from '../errors.js'
import { AbortListeners } from '../liveness/abort.js'
import {
  type Agent,
  type AgentIdentity,
  agentError,
  decodeIdentities,
  decodeSignature,
  encodeIdentitiesRequest,
  encodeSignRequest,
} from './agent.js'
import { agentMessages, framed } from './agent-messages.js'
import { type KeyRules, safeKeys } from './key-types/key-type.js'
import type { PublicKey } from './public-key.js'

/**
 * An agent behind a Unix socket, or a named pipe of Windows. Each request has a connection of its own: none waits
 * behind another that waits for a person, and giving one up spoils no other.
 */
export class SocketAgent implements Agent {
  readonly name: string
  readonly #path: string
  readonly #rules: KeyRules
  readonly #open = new Set<Socket>()
  readonly #aborts = new AbortListeners()
  #closed = false

  constructor(path: string, rules: KeyRules = safeKeys) {
    this.name = `the agent at ${path}`
    this.#path = path
    this.#rules = rules
  }

  async identities(signal: AbortSignal): Promise<readonly AgentIdentity[]> {
    return decodeIdentities(await this.#ask(encodeIdentitiesRequest(), signal), this.name, this.#rules)
  }

  async sign(key: PublicKey, algorithm: string, data: Buffer, signal: AbortSignal): Promise<Buffer> {
    return decodeSignature(await this.#ask(encodeSignRequest(key, algorithm, data), signal), algorithm, this.name)
  }

  /** Ends the calls under way with ERR_SSH_CLOSED, and refuses new ones. */
  close(): void {
    this.#closed = true
    for (const socket of this.#open) socket.destroy()
  }

  async #ask(request: Buffer, signal: AbortSignal): Promise<Buffer> {
    if (this.#closed) throw this.#closedError()
    if (signal.aborted) throw this.#aborted(signal)
    const socket = connect({ path: this.#path })
    this.#open.add(socket)
    // Not by connect()'s own option: its listener stays on the signal for as long as that lives (Node 20).
    const unlisten = this.#aborts.add(signal, () => socket.destroy())
    try {
      return await this.#exchange(socket, request)
    } catch (error) {
      throw this.#explain(error, signal)
    } finally {
      unlisten()
      this.#open.delete(socket)
      socket.destroy()
    }
  }

  async #exchange(socket: Socket, request: Buffer): Promise<Buffer> {
    // What is read below throws it too; this one is for what comes after that.
    socket.on('error', () => {})
    socket.write(framed(request))
    const { value } = await agentMessages(socket, this.name).next()
    if (value !== undefined) return value
    throw agentError(this.name, 'closed the connection without an answer')
  }

  #explain(error: unknown, signal: AbortSignal): HoldfastError {
    if (this.#closed) return this.#closedError()
    if (signal.aborted) return this.#aborted(signal)
    if (error instanceof HoldfastError) return error
    return agentError(this.name, `could not be reached: ${reasonOf(error)}`, error)
  }

  #aborted(signal: AbortSignal): HoldfastError {
    return new HoldfastError('ERR_SSH_ABORTED', `aborted while waiting for ${this.name}`, { cause: signal.reason })
  }

  #closedError(): HoldfastError {
    return new HoldfastError('ERR_SSH_CLOSED', `the client was closed while it used ${this.name}`)
  }
}

const reasons = new Map([
  ['ENOENT', 'nothing is there'],
  ['ECONNREFUSED', 'no agent listens there any more'],
  ['EACCES', 'permission denied'],
])

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return reasons.get(code) ?? (error instanceof Error ? error.message : String(error))
}
