/** Smaller packets come out of Node's own pool. */
const smallest = 16 * 1024

/** As many as a transfer has under way near by: those that came wait for the local disk together. */
const mostKept = 8

/**
 * Memory for the packets of large reads and writes, which is used again once they are saved or sent: a new one for each is most
 * of what a transfer makes the collector of garbage do.
 */
export class PacketMemory {
  readonly #kept: Buffer[] = []

  take(size: number): Buffer {
    if (size < smallest) return Buffer.allocUnsafe(size)
    const kept = this.#kept.pop()
    if (kept !== undefined && kept.length >= size) return kept.subarray(0, size)
    return Buffer.allocUnsafeSlow(size)
  }

  /** @param packet one that `take` gave, or a large part of it; nobody looks at it any more */
  giveBack({ buffer, byteLength }: Buffer): void {
    if (byteLength >= smallest && this.#kept.length < mostKept) this.#kept.push(Buffer.from(buffer))
  }

  /** An idle session holds none. */
  clear(): void {
    this.#kept.length = 0
  }
}
