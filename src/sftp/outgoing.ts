import type { Waits } from '../liveness/waits.js'
import { Flight } from './flight.js'
import type { PacketMemory } from './packet-memory.js'
import type { PendingRequest } from './pending-request.js'

export interface OutgoingPort {
  readonly waits: Waits
  readonly memory: PacketMemory
  /** Milliseconds on a monotonic clock. */
  now(): number
  /** @param sent called once its last byte was sent, or with an error */
  write(bytes: Buffer, sent: (error?: Error | null) => void): void
  /** Told of each request that has no answer when the wait for it fails. */
  readonly failed: (request: PendingRequest, error: unknown) => void
  /** Something has gone out. */
  left(): void
}

/** Bytes that are joined at most. What is as large leaves alone. */
const mostJoined = 32 * 1024

/** One call has two limits at most; and where each request is another call's, none of their flights is to be looked at by all. */
const mostLooks = 4

/**
 * Packets on their way to the link: those of one turn are joined, since a write for each of a hundred small ones took more time
 * than all else that is done for them.
 */
export class Outgoing {
  readonly #port: OutgoingPort
  #packets: Buffer[] = []
  #length = 0
  /** With which these packets leave. */
  #flights: Flight[] = []
  /** Whose memory is for the next ones once they have gone. */
  #lent: Buffer[] = []

  constructor(port: OutgoingPort) {
    this.#port = port
  }

  /** Begins the wait for a reply. @param length of the packet, which `send` is to be given next if it goes */
  board(request: PendingRequest, length: number): Flight {
    if (this.#length + length > mostJoined) this.#flush()
    for (let at = this.#flights.length - 1, looks = 0; at >= 0 && looks < mostLooks; at--, looks++) {
      const open = this.#flights[at]
      if (open?.takes(request.settings) !== true) continue
      open.add(request)
      return open
    }
    return new Flight(this.#port.waits, request, this.#port.failed)
  }

  send({ request, flight, seat }: PendingRequest, packet: Buffer): void {
    if (this.#packets.length === 0) queueMicrotask(() => this.#flush())
    // Only now, since of a call that has failed already nothing leaves.
    if (flight !== undefined && seat === 0) this.#flights.push(flight)
    this.#packets.push(packet)
    this.#length += packet.length
    // Others may lie in Node's pool, in which more than these bytes are.
    if (request.type === 'WRITE') this.#lent.push(packet)
    if (this.#length >= mostJoined) this.#flush()
  }

  #flush(): void {
    const [packets, flights, lent] = [this.#packets, this.#flights, this.#lent]
    const [first] = packets
    if (first === undefined) return
    this.#packets = []
    this.#flights = []
    this.#lent = []
    this.#length = 0
    for (const flight of flights) flight.isHandedOver = true
    this.#port.write(packets.length === 1 ? first : Buffer.concat(packets), (error) => {
      if (error) return
      const now = this.#port.now()
      for (const flight of flights) flight.left(now)
      for (const packet of lent) this.#port.memory.giveBack(packet)
      this.#port.left()
    })
  }
}
