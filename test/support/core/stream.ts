import type { SimulatedTime } from './simulated-time.js'

/** Whoever reads a stream. */
export interface Reader {
  receive(chunk: Buffer): void
  streamEnded(error?: Error): void
}

/** Where an end writes to. */
export interface Output {
  write(bytes: Buffer): void
  end(error?: Error): void
}

/** One direction between two ends: bytes arrive in order, after a while, in whatever pieces it is told. */
export class Stream implements Output {
  readonly #time: SimulatedTime
  readonly #queue: (() => void)[] = []
  #reader: Reader | undefined
  #over = false
  latencyMs = 1
  /** What becomes of bytes on their way, as one of two ends or somebody between them could do: pieces, or nothing. */
  carry: (bytes: Buffer) => readonly Buffer[] = (bytes) => [bytes]
  /** Bytes that were written in all. */
  written = 0

  constructor(time: SimulatedTime) {
    this.#time = time
  }

  readBy(reader: Reader): void {
    this.#reader = reader
  }

  write(bytes: Buffer): void {
    if (this.#over) return
    this.written += bytes.length
    const pieces = this.carry(bytes)
    this.#later(() => {
      for (const piece of pieces) this.#reader?.receive(piece)
    })
  }

  end(error?: Error): void {
    if (this.#over) return
    this.#over = true
    this.#later(() => this.#reader?.streamEnded(error))
  }

  #later(happen: () => void): void {
    this.#queue.push(happen)
    this.#time.after(this.latencyMs, () => this.#queue.shift()?.())
  }
}

/** Pieces of at most `size` bytes. */
export function inPieces(size: number): (bytes: Buffer) => Buffer[] {
  return (bytes) => {
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
    return pieces
  }
}
