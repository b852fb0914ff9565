import { Duplex } from 'node:stream'

/** Two ends of a line in memory, as `stream.duplexPair()` of Node 22 makes them. */
export function duplexPair(): [Duplex, Duplex] {
  const near: LineEnd = new LineEnd(() => far)
  const far: LineEnd = new LineEnd(() => near)
  return [near, far]
}

class LineEnd extends Duplex {
  readonly #other: () => LineEnd
  #taken: (() => void) | undefined

  constructor(other: () => LineEnd) {
    super()
    this.#other = other
  }

  override _read(): void {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#other().#deliver(chunk, done)
  }

  override _final(done: () => void): void {
    this.#other().#deliver(null, done)
  }

  #deliver(chunk: Buffer | null, done: () => void): void {
    if (this.push(chunk)) process.nextTick(done)
    else this.#taken = done
  }
}
