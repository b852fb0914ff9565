/** Smaller packets come out of Node's own pool. */
const smallest = 16 * 1024

/** Of what is written, the stream takes one packet, and one more is made meanwhile. */
const mostKept = 2

/**
 * Memory for the packets of large writes, which is used again once they are sent: a new one for each is most of what a
 * transfer makes the collector of garbage do.
 */
export class PacketMemory {
  readonly #kept: Buffer[] = []

  take(size: number): Buffer {
    if (size < smallest) return Buffer.allocUnsafe(size)
    const kept = this.#kept.pop()
    if (kept !== undefined && kept.length >= size) return kept.subarray(0, size)
    return Buffer.allocUnsafeSlow(size)
  }

  /** @param packet one that `take` gave; nobody looks at it any more */
  giveBack({ buffer, byteLength }: Buffer): void {
    if (byteLength >= smallest && this.#kept.length < mostKept) this.#kept.push(Buffer.from(buffer))
  }

  /** An idle session holds none. */
  clear(): void {
    this.#kept.length = 0
  }
}
