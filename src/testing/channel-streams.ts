import { Readable, Writable } from 'node:stream'

/** What the peer sends on a channel. The peer's window grows only as this is read. */
export class ChannelReadable extends Readable {
  readonly #consumed: (bytes: number) => void
  /** Bytes for which the peer was not granted new ones, because nobody reads. */
  #withheld = 0

  constructor(consumed: (bytes: number) => void) {
    super()
    this.#consumed = consumed
    // A stream that ends with its connection is no failure of whoever does not look at it.
    this.on('error', () => {})
  }

  receive(bytes: Buffer): void {
    this.#withheld += bytes.length
    if (this.destroyed || this.push(bytes)) this.#grant()
  }

  end(): void {
    this.push(null)
  }

  override _read(): void {
    this.#grant()
  }

  #grant(): void {
    const bytes = this.#withheld
    this.#withheld = 0
    if (bytes > 0) this.#consumed(bytes)
  }
}

/** What we send on a channel. A write is done when the channel has sent it, so it keeps to the peer's window. */
export class ChannelWritable extends Writable {
  readonly #send: (bytes: Buffer, sent: () => void) => void

  constructor(send: (bytes: Buffer, sent: () => void) => void) {
    super({ highWaterMark: 64 * 1024 })
    this.#send = send
    this.on('error', () => {})
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(bytes, done)
  }

  /** Ends the stream. Resolves when all of it was sent, or never will be. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      if (this.closed) resolve()
      this.on('close', () => resolve())
      this.end()
    })
  }
}
