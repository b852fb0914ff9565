export interface FramesOptions {
  /** Of a frame, in bytes; one of none is not allowed either. */
  readonly maxLength: number
  /** @param begin the bytes of the frame that came, those of its length among them */
  readonly wrongLength: (length: number, begin: Buffer) => Error
  /** Memory for a frame. @default new memory for each */
  readonly allocate?: (length: number) => Buffer
}

/** Puts frames together, each a uint32 that says how many bytes follow and these bytes; the sender chooses how they are cut. */
export class Frames {
  readonly #options: FramesOptions
  readonly #head = Buffer.alloc(4)
  #headLength = 0
  #frame: Buffer | undefined
  #filled = 0

  constructor(options: FramesOptions) {
    this.#options = options
  }

  /**
   * The frames that are whole by this piece, without their lengths, each made when it is asked for: one piece may have very
   * many. They share no memory with it. To be read to the end before the next is pushed.
   * @throws what `wrongLength` gives
   */
  *push(piece: Buffer): Generator<Buffer, void> {
    let offset = 0
    while (offset < piece.length) {
      offset += this.#take(piece, offset)
      const frame = this.#frame
      if (frame === undefined || this.#filled < frame.length) continue
      this.#frame = undefined
      this.#headLength = 0
      yield frame
    }
  }

  #take(piece: Buffer, offset: number): number {
    if (this.#frame === undefined) return this.#takeHead(piece, offset)
    const taken = piece.copy(this.#frame, this.#filled, offset)
    this.#filled += taken
    return taken
  }

  #takeHead(piece: Buffer, offset: number): number {
    const taken = piece.copy(this.#head, this.#headLength, offset)
    this.#headLength += taken
    if (this.#headLength < 4) return taken
    const length = this.#head.readUInt32BE(0)
    const { maxLength, wrongLength, allocate = newMemory } = this.#options
    if (length === 0 || length > maxLength)
      throw wrongLength(length, Buffer.concat([this.#head, piece.subarray(offset + taken)]))
    this.#frame = allocate(length)
    this.#filled = 0
    return taken
  }
}

function newMemory(length: number): Buffer {
  return Buffer.allocUnsafe(length)
}
