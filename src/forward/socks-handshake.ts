import type { Socket } from 'node:net'
import { HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import type { TcpPlace } from '../wire/forward-messages.js'
import type { ForwardPort } from './port.js'
import { readSocks, type SocksVersion } from './socks.js'

/** What a client of a dynamic forward wants. */
export interface SocksRequest {
  readonly version: SocksVersion
  readonly to: TcpPlace
}

export interface HandshakeContext {
  readonly port: Pick<ForwardPort, 'waits'>
  readonly limitMs: number
  readonly signal: AbortSignal
}

/**
 * Listens until a client has said what it wants; what it sent behind that stays in the socket.
 * @throws HoldfastError ERR_SSH_SOCKS, ERR_SSH_TIMEOUT (limit `identification`), ERR_SSH_ABORTED
 */
export async function socksHandshake(socket: Socket, context: HandshakeContext): Promise<SocksRequest> {
  const wait = context.port.waits.start<SocksRequest>({
    limit: 'identification',
    limitMs: context.limitMs,
    clock: 'peer',
    phase: 'request',
    what: 'what a client of the dynamic forward wants',
    signal: context.signal,
    isAwaited: false,
  })
  const handshake = new Handshake(socket, wait)
  try {
    return await wait.promise
  } finally {
    handshake.leave()
  }
}

class Handshake {
  readonly #socket: Socket
  readonly #wait: Wait<SocksRequest>
  #bytes = Buffer.alloc(0)
  #isGreeted = false
  readonly #onData = (bytes: Buffer) => this.#came(bytes)
  readonly #onEnd = () =>
    this.#wait.reject(new HoldfastError('ERR_SSH_SOCKS', 'a client of the dynamic forward left without a request'))

  constructor(socket: Socket, wait: Wait<SocksRequest>) {
    this.#socket = socket
    this.#wait = wait
    if (!wait.pending) return
    socket.on('data', this.#onData).on('end', this.#onEnd).resume()
  }

  leave(): void {
    this.#socket.off('data', this.#onData).off('end', this.#onEnd)
  }

  #came(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    for (let goesOn = true; goesOn && this.#wait.pending; ) goesOn = this.#step()
  }

  /** @returns whether there may be more to do at once */
  #step(): boolean {
    const step = readSocks(this.#bytes, this.#isGreeted)
    if (step === undefined) return false
    if (step.type === 'refusal') {
      this.#socket.end(step.bytes)
      this.#wait.reject(step.error)
      return false
    }
    this.#bytes = this.#bytes.subarray(step.used)
    if (step.type === 'answer') {
      this.#isGreeted = true
      this.#socket.write(step.bytes)
      return true
    }
    this.#giveBack()
    this.#wait.resolve({ version: step.version, to: step.to })
    return false
  }

  /** An eager client has sent what is for its target. */
  #giveBack(): void {
    this.#socket.pause()
    this.leave()
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes)
  }
}
