import { HoldfastError } from '../errors.js'
import type { Transport } from '../kex/transport.js'
import type { Wait, Waits } from '../liveness/waits.js'
import { oversizeError } from '../transport/packet-size.js'
import { encodeGlobalRequest } from '../wire/connection-messages.js'

export interface GlobalRequestsPort {
  readonly waits: Waits
  readonly limits: Readonly<Record<'reply', number>>
  readonly transport: Pick<Transport, 'send' | 'isOpen' | 'outbound'>
  now(): number
  /** The peer answered what was sent at that instant. */
  answered(sentAt: number): void
}

export interface GlobalRequestOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * Called at once when the peer grants it, before the next message is handled, and whatever became of the wait: what was
   * granted then holds although its caller gave up.
   */
  granted?(reply: Buffer): void
}

interface Slot {
  readonly sentAt: number
  /** Undefined where the request was held, or went out under earlier keys: then it cannot be told by number. */
  sequence: number | undefined
  succeeded(data: Buffer): void
  failed(): void
}

/**
 * Global requests that want a reply, in line (RFC 4254 section 4): replies carry no name, so the order alone says
 * whose they are. A slot stays in line whatever became of its waiter.
 */
export class GlobalRequests {
  readonly #port: GlobalRequestsPort
  readonly #slots: Slot[] = []

  constructor(port: GlobalRequestsPort) {
    this.#port = port
  }

  request(name: string, data: Buffer, options: GlobalRequestOptions = {}): Promise<Buffer> {
    const wait: Wait<Buffer> = this.#port.waits.start<Buffer>({
      limit: 'reply',
      limitMs: this.#port.limits.reply,
      clock: 'reply',
      phase: 'request',
      what: `the reply to the global request ${name}`,
      signal: options.signal,
    })
    const payload = encodeGlobalRequest(name, true, data)
    const problem = oversizeError(payload)
    if (problem !== undefined) wait.reject(problem)
    if (!wait.pending) return wait.promise
    this.#slots.push({
      sentAt: this.#port.now(),
      sequence: this.#nextSequence,
      succeeded: (reply) => {
        options.granted?.(reply)
        wait.resolve(reply)
      },
      failed: () => wait.reject(refused(name)),
    })
    this.#port.transport.send(payload, () => wait.sent())
    return wait.promise
  }

  /** Whether every request was answered. */
  get owesNothing(): boolean {
    return this.#slots.length === 0
  }

  /** @param payload a request to which any answer will do */
  probe(payload: Buffer, answered: () => void, taken: (() => void) | undefined): void {
    this.#slots.push({
      sentAt: this.#port.now(),
      sequence: this.#nextSequence,
      succeeded: answered,
      failed: answered,
    })
    this.#port.transport.send(payload, taken)
  }

  /** @returns false when nobody asked */
  receiveSuccess(data: Buffer): boolean {
    const slot = this.#take()
    slot?.succeeded(data)
    return slot !== undefined
  }

  receiveFailure(): boolean {
    const slot = this.#take()
    slot?.failed()
    return slot !== undefined
  }

  /** The peer did not know the message: no other reply will come for it. @returns whether it was one of these */
  receiveUnimplemented(sequence: number): boolean {
    const index = this.#slots.findIndex((slot) => slot.sequence === sequence)
    if (index === -1) return false
    this.#take(index)?.failed()
    return true
  }

  /** Packets are numbered anew: an UNIMPLEMENTED to come means none of those that went out before. */
  numbersBeginAnew(): void {
    for (const slot of this.#slots) slot.sequence = undefined
  }

  /** The number that the next packet will have; undefined while messages are held. */
  get #nextSequence(): number | undefined {
    const { transport } = this.#port
    return transport.isOpen ? transport.outbound.sequence : undefined
  }

  #take(index = 0): Slot | undefined {
    const [slot] = this.#slots.splice(index, 1)
    if (slot !== undefined) this.#port.answered(slot.sentAt)
    return slot
  }
}

function refused(name: string): HoldfastError {
  return new HoldfastError('ERR_SSH_REQUEST_REFUSED', `the peer refused the global request ${name}`, {
    phase: 'request',
  })
}
