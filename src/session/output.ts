import { Readable } from 'node:stream'
import { ByteQueue } from './byte-queue.js'

/** Where the output of a command goes: one for stdout, one for stderr. */
export interface Output {
  /** Bytes that came and that nobody has taken yet: the peer is not allowed to send them again. */
  readonly unread: number
  deliver(bytes: Buffer): void
  end(): void
  fail(cause: Error): void
}

/** As a stream: the peer may send on when the program reads. */
export class OutputStream extends Readable implements Output {
  readonly #consumed: (bytes: number) => void
  readonly #queue = new ByteQueue()
  #unread = 0
  /** Whether the stream has asked for bytes and not got them. */
  #wanted = false
  #ended = false

  /** @param consumed hears how many bytes the program took */
  constructor(consumed: (bytes: number) => void) {
    super()
    this.#consumed = consumed
    // A failure must not end a program that has no use for this stream; those that listen hear it all the same.
    this.on('error', () => {})
  }

  get unread(): number {
    return this.#unread
  }

  deliver(bytes: Buffer): void {
    // A program that destroyed its stream wants no more of it; the command goes on.
    if (this.destroyed) {
      this.#consumed(bytes.length)
      return
    }
    this.#unread += bytes.length
    if (this.#wanted && this.#queue.isEmpty) this.#push(bytes)
    else {
      this.#queue.push(bytes)
      if (this.#wanted) this.#pushWanted()
    }
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#wanted) this.#pushWanted()
  }

  fail(cause: Error): void {
    this.destroy(cause)
  }

  override _read(): void {
    this.#wanted = true
    this.#pushWanted()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#take(this.#unread)
    this.#queue.clear()
    done(error)
  }

  #pushWanted(): void {
    this.#push(this.#queue.shift())
  }

  /**
   * Pushes this, and what waits behind it, while the stream asks for it. A `data` listener runs inside `push()`: what it
   * throws is the program's own affair, not the connection's.
   */
  #push(first: Buffer | undefined): void {
    try {
      let bytes = first
      while (bytes !== undefined) {
        this.#take(bytes.length)
        // Set before: a listener that reads asks for more from inside.
        this.#wanted = false
        if (this.push(bytes)) this.#wanted = true
        bytes = this.#wanted && !this.destroyed ? this.#queue.shift() : undefined
      }
      if (this.#ended && this.#queue.isEmpty && this.#wanted) this.#pushEnd()
    } catch (error) {
      this.#wanted = true
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #pushEnd(): void {
    this.#wanted = false
    this.push(null)
  }

  #take(bytes: number): void {
    if (bytes === 0) return
    this.#unread -= bytes
    this.#consumed(bytes)
  }
}

/** In memory, for a result: taken as it comes, up to what its owner has room for. */
export class CollectedOutput implements Output {
  readonly unread = 0
  readonly #room: (bytes: number) => number
  /** Many commands write nothing, at least to one of the two. */
  #kept: ByteQueue | undefined

  /** @param room is told how many bytes came, and says how many of them may be kept */
  constructor(room: (bytes: number) => number) {
    this.#room = room
  }

  deliver(bytes: Buffer): void {
    const kept = this.#room(bytes.length)
    if (kept === 0) return
    this.#kept ??= new ByteQueue()
    this.#kept.push(bytes.subarray(0, kept))
  }

  end(): void {}

  fail(): void {}

  /** All that was kept, joined first: a character may stand in two packets. */
  read(encoding: 'utf8' | 'buffer'): string | Buffer {
    const bytes = this.#kept?.joined()
    if (encoding === 'buffer') return bytes ?? Buffer.alloc(0)
    return bytes?.toString('utf8') ?? ''
  }
}
