import type { Transport } from '../kex/transport.js'
import type { Deadlines } from '../liveness/deadlines.js'
import type { Outgoing } from './outgoing.js'
import { Pace, type PacePort } from './pace.js'

/** Data that was sealed and waits for the kernel holds up every reply behind it, so it is kept short. */
const maxUnsent = 256 * 1024

export interface SendingPort extends Pick<PacePort, 'keepalive' | 'now'> {
  readonly deadlines: Deadlines
  readonly transport: Transport
}

/** The data of all channels: whose turn it is, and how much may be on its way. */
export class Sending implements PacePort {
  readonly #port: SendingPort
  readonly #pace: Pace
  /** Who has data that a window lets through; an idle connection has nobody. */
  #waiting: Set<Outgoing> | undefined
  /** Bytes so far. */
  sentBytes = 0
  /** How many of those the peer's windows say were read. */
  coveredBytes = 0

  constructor(port: SendingPort) {
    this.#port = port
    this.#pace = new Pace(this)
  }

  get deadlines(): Deadlines {
    return this.#port.deadlines
  }

  get keepalive(): PacePort['keepalive'] {
    return this.#port.keepalive
  }

  now(): number {
    return this.#port.now()
  }

  resumed(): void {
    this.pump()
  }

  /** A channel has data that its window lets it send: it is in line for the next `pump()`. */
  wants(outgoing: Outgoing): void {
    this.#waiting ??= new Set()
    this.#waiting.add(outgoing)
  }

  /** @returns whether it was; else the connection ends */
  send(head: Buffer, data: Buffer): boolean {
    if (!this.#port.transport.sendData(head, data)) return false
    this.sentBytes += data.length
    this.#pace.sent(data.length)
    return true
  }

  /** The peer's windows say that it read this much more of what we sent. */
  covered(bytes: number): void {
    this.coveredBytes += bytes
    this.#pace.covered(this.coveredBytes)
  }

  /**
   * Sends data while the kernel takes it and the link is not full, one packet a channel in turn. Called by few, and once for
   * all that a read brought: V8 compiles the whole way of a packet into each function that calls it.
   */
  pump(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    const { transport } = this.#port
    while (transport.isOpen && transport.unsentBytes < maxUnsent && this.#pace.allowsMore) {
      const [outgoing] = waiting
      if (outgoing === undefined) return
      waiting.delete(outgoing)
      outgoing.sendOne(this, this.#pace.packetMax)
      if (outgoing.canSend) waiting.add(outgoing)
    }
  }

  forget(outgoing: Outgoing): void {
    this.#waiting?.delete(outgoing)
  }

  /** The connection is over. */
  stop(): void {
    this.#waiting?.clear()
    this.#pace.stop()
  }
}
