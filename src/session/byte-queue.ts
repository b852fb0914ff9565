import { Fifo } from '../connection/fifo.js'

/** Pieces below this are copied together. */
const smallBytes = 2048
const blockBytes = 16 * 1024

/**
 * Bytes in the order in which they came. Each Buffer takes hundreds of bytes beside its own, and a peer may send one
 * byte a packet, so small pieces that wait together share a block.
 */
export class ByteQueue {
  readonly #pieces = new Fifo<Buffer>()
  /** What follows the pieces, while its block is not full. */
  #block: Buffer | undefined
  #blockLength = 0

  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#block === undefined
  }

  push(bytes: Buffer): void {
    // What nothing waits before is most often taken at once, and not worth a copy.
    if (bytes.length >= smallBytes || this.isEmpty) {
      this.#endBlock()
      this.#pieces.push(bytes)
    } else {
      this.#append(bytes)
    }
  }

  /** The next piece, or undefined when there is none. */
  shift(): Buffer | undefined {
    if (this.#pieces.length === 0) this.#endBlock()
    return this.#pieces.shift()
  }

  /** Everything, as one; it stays in the queue. */
  joined(): Buffer {
    this.#endBlock()
    return Buffer.concat([...this.#pieces])
  }

  clear(): void {
    this.#pieces.clear()
    this.#block = undefined
  }

  #append(bytes: Buffer): void {
    if (this.#block !== undefined && this.#blockLength + bytes.length > this.#block.length) this.#endBlock()
    if (this.#block === undefined) {
      this.#block = Buffer.allocUnsafeSlow(blockBytes)
      this.#blockLength = 0
    }
    this.#blockLength += bytes.copy(this.#block, this.#blockLength)
  }

  #endBlock(): void {
    if (this.#block === undefined) return
    const bytes = this.#block.subarray(0, this.#blockLength)
    // A block that is nearly empty would hold far more memory than it has bytes.
    this.#pieces.push(bytes.length < blockBytes / 2 ? Buffer.from(bytes) : bytes)
    this.#block = undefined
  }
}
