import { Writable } from 'node:stream'

/** The way from a program to the remote command's input. */
export interface InputPort {
  /** @param sent called once the last byte was sent; never after the channel ended */
  write(data: Buffer, sent: () => void): void
  eof(): void
}

type Callback = (error?: Error | null) => void

/**
 * The remote command's standard input. A write is done, and its callback called, when its bytes were sent, which the
 * peer's window allows as the command reads.
 */
export class InputStream extends Writable {
  readonly #port: InputPort
  #writeDone: Callback | undefined
  /** Bytes that the channel was given and that still count as this stream's. */
  #handedOver = 0

  constructor(port: InputPort) {
    super({ highWaterMark: 64 * 1024 })
    this.#port = port
    // A failure must not end a program that does not listen; those that do hear it all the same.
    this.on('error', () => {})
  }

  /** Bytes that the program has written and that the channel has not been given. */
  get unsentBytes(): number {
    return this.writableLength - this.#handedOver
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Callback): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: Callback): void {
    this.#port.eof()
    done()
  }

  override _destroy(error: Error | null, done: Callback): void {
    // The channel will not report what it never sent.
    this.#finishWrite(error ?? new Error('the command ended before it read this'))
    done(error)
  }

  #send(data: Buffer, done: Callback): void {
    this.#writeDone = done
    this.#handedOver = data.length
    this.#port.write(data, () => this.#finishWrite(null))
  }

  /** Later, since it runs callbacks and `drain` listeners of the program, and this runs while packets are handled. */
  #finishWrite(error: Error | null): void {
    const done = this.#writeDone
    if (done === undefined) return
    this.#writeDone = undefined
    queueMicrotask(() => {
      this.#handedOver = 0
      done(error)
    })
  }
}
