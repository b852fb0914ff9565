import { depthFor } from './depth.js'

/** Where bytes are written to. */
export interface WriteTarget {
  /** What one request may carry, in bytes. */
  readonly maxWrite: number
  /** What may be under way at a time, in bytes. */
  readonly mostUnderWay: number
  writeAt(offset: number, data: Uint8Array, signal: AbortSignal | undefined): Promise<void>
}

export interface WriteStart {
  readonly offset: number
  readonly signal?: AbortSignal | undefined
}

/** Writes in order, with several requests under way. After a failure nothing more is written. */
export class WriteBehind {
  readonly #target: WriteTarget
  readonly #signal: AbortSignal | undefined
  /** Oldest first. */
  readonly #underWay: Promise<void>[] = []
  #offset: number

  constructor(target: WriteTarget, { offset, signal }: WriteStart) {
    this.#target = target
    this.#offset = offset
    this.#signal = signal
  }

  /** Where the next byte goes. */
  get offset(): number {
    return this.#offset
  }

  /** What one request carries, in bytes. */
  get maxWrite(): number {
    return this.#target.maxWrite
  }

  /** Resolves once all of it is under way; the memory may be used again. @throws what an earlier write failed for */
  async write(data: Uint8Array): Promise<void> {
    const { maxWrite } = this.#target
    const maxDepth = depthFor(this.#target.mostUnderWay, maxWrite)
    for (let from = 0; from < data.length; from += maxWrite) {
      if (this.#underWay.length >= maxDepth) await this.#oldest()
      this.#send(data.subarray(from, from + maxWrite))
    }
  }

  /** Resolves once the server has taken everything. @throws what the first write that failed did so for */
  async flush(): Promise<void> {
    while (this.#underWay.length > 0) await this.#oldest()
  }

  #send(piece: Uint8Array): void {
    const written = this.#target.writeAt(this.#offset, piece, this.#signal)
    // Looked at in order; until then its failure is not unhandled.
    written.catch(() => {})
    this.#offset += piece.length
    this.#underWay.push(written)
  }

  /** What failed stays in front, so that whoever asks next gets the same. */
  async #oldest(): Promise<void> {
    await this.#underWay[0]
    void this.#underWay.shift()
  }
}
