import type { Waits } from '../liveness/waits.js'
import type { PacketMemory } from './packet-memory.js'
import type { PendingRequest } from './pending-request.js'
import { RequestBatch } from './request-batch.js'

export interface RequestWriterPort {
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

/** One call has two limits at most; and where each request is another call's, each must not look at the batches of all. */
const mostLooks = 4

/**
 * Packets on their way to the link: those of one turn are joined, since a write for each of a hundred small ones took more time
 * than all else that is done for them.
 */
export class RequestWriter {
  readonly #port: RequestWriterPort
  #packets: Buffer[] = []
  #length = 0
  /** With which these packets leave. */
  #batches: RequestBatch[] = []
  /** Whose memory is for the next ones once they have gone. */
  #lent: Buffer[] = []
  /** Of what was written and has not gone out yet: whose clocks do not run. */
  readonly #unsent = new Set<RequestBatch>()

  constructor(port: RequestWriterPort) {
    this.#port = port
  }

  /** With which a request waits for its reply, from now on. @param length of its packet, which `send` is to be given next if it goes */
  batchFor(request: PendingRequest, length: number): RequestBatch {
    if (this.#length + length > mostJoined) this.#flush()
    for (let at = this.#batches.length - 1, looks = 0; at >= 0 && looks < mostLooks; at--, looks++) {
      const batch = this.#batches[at]
      if (batch?.takes(request.settings) !== true) continue
      batch.add(request)
      return batch
    }
    return new RequestBatch(this.#port.waits, request, this.#port.failed)
  }

  send({ request, batch, index }: PendingRequest, packet: Buffer): void {
    if (this.#packets.length === 0) queueMicrotask(() => this.#flush())
    // Only now, since of a call that has failed already nothing leaves.
    if (batch !== undefined && index === 0) this.#batches.push(batch)
    this.#packets.push(packet)
    this.#length += packet.length
    // Others may lie in Node's pool, in which more than these bytes are.
    if (request.type === 'WRITE') this.#lent.push(packet)
    if (this.#length >= mostJoined) this.#flush()
  }

  /** The server does not read: the clocks of what was written run all the same. */
  stuck(): void {
    for (const batch of this.#unsent) batch.stuck()
    this.#unsent.clear()
  }

  #flush(): void {
    const [packets, batches, lent] = [this.#packets, this.#batches, this.#lent]
    const [first] = packets
    if (first === undefined) return
    this.#packets = []
    this.#batches = []
    this.#lent = []
    this.#length = 0
    for (const batch of batches) {
      batch.isHandedOver = true
      this.#unsent.add(batch)
    }
    this.#port.write(packets.length === 1 ? first : Buffer.concat(packets), (error) => {
      for (const batch of batches) this.#unsent.delete(batch)
      if (error) return
      const now = this.#port.now()
      for (const batch of batches) batch.left(now)
      for (const packet of lent) this.#port.memory.giveBack(packet)
      this.#port.left()
    })
  }
}
