import { Duplex } from 'node:stream'
import type { Channel, ChannelSink } from '../connection/channel.js'
import { HoldfastError } from '../errors.js'
import { ByteQueue } from '../session/byte-queue.js'

type Callback = (error?: Error | null) => void

/**
 * The bytes of one channel, both ways: `end()` is EOF, `destroy()` is CLOSE. The peer may send on as the program reads; a
 * write is done when its bytes were sent, which the peer's window allows as the far side reads.
 */
export class ChannelStream extends Duplex {
  #channel: Channel | undefined
  readonly #queue = new ByteQueue()
  /** Whether the reading side has asked for bytes and not got them. */
  #isWanted = false
  #hasEnded = false
  /** Whether what is still to be read is for nobody. */
  #isLeaving = false
  #refusal: Error | undefined
  #writeDone: Callback | undefined
  /** Bytes that the channel was given and that still count as this stream's. */
  #handedOver = 0
  #bytesRead = 0
  #bytesWritten = 0

  constructor() {
    super({ allowHalfOpen: true, writableHighWaterMark: 64 * 1024 })
    // A failure must not end a program that does not listen; those that do hear it all the same.
    this.on('error', () => {})
  }

  /** Bytes that came so far. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Bytes that were handed to the channel so far. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  /** The channel is open: whatever is for it comes here. @internal */
  attach(channel: Channel): ChannelSink {
    this.#channel = channel
    return {
      data: (bytes) => this.#dataCame(bytes),
      extendedData: (_type, bytes) => channel.consumed(bytes.length),
      eof: () => this.#endCame(),
      request: () => false,
      adjusted: () => this.moved(),
      pendingBytes: () => this.writableLength - this.#handedOver,
      closed: () => this.#closeCame(),
      lost: (cause) => this.destroy(cause),
    }
  }

  /** Ends in order: what was written goes out first, for as long as the far side takes it. */
  destroySoon(): void {
    this.#isLeaving = true
    if (this.writable) this.end()
    if (this.writableFinished || this.#channel?.isOpen !== true) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** Why the far side takes no more, while what came from it is still to be read. @internal */
  get refusal(): Error | undefined {
    return this.#refusal
  }

  /** Bytes came, or the far side took some. */
  protected moved(): void {}

  override _read(): void {
    this.#isWanted = true
    this.#pushWanted()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Callback): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: Callback): void {
    this.#channel?.eof()
    done()
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.#queue.clear()
    void this.#channel?.close()
    // The channel will not report what it never sent.
    this.#finishWrite(error ?? closedError())
    done(error)
  }

  #dataCame(bytes: Buffer): void {
    this.#bytesRead += bytes.length
    this.#queue.push(bytes)
    this.moved()
    this.#pushWanted()
  }

  #endCame(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#pushWanted()
  }

  /** Many a server closes without a word of EOF before, so that CLOSE alone tells no whole stream from a broken one. */
  #closeCame(): void {
    if (this.destroyed) return
    this.#endCame()
    if (this.writableLength > 0) this.#onceRead((error) => this.destroy(error))
    // Nothing that is written any more would reach anybody.
    else if (this.readableEnded) this.end()
    else this.once('end', () => this.end())
  }

  /**
   * Fails what the peer does not take any more, which ends the stream: an answer that came before is read first, such as
   * that of a web server which refuses what is being sent to it. A writer that does not read learns of it at once; one that
   * reads by turns listens for `refused`, and finds what there is to read still there.
   */
  #onceRead(fail: (error: Error) => void): void {
    const error = closedError()
    const isUnread = this.readableFlowing === null && this.listenerCount('refused') === 0
    if (this.#isLeaving || this.destroyed || this.readableEnded || isUnread) return fail(error)
    this.once('end', () => fail(error))
    this.#refusal = error
    // Later, since this runs while packets are handled.
    queueMicrotask(() => this.emit('refused', error))
  }

  #send(data: Buffer, done: Callback): void {
    const channel = this.#channel
    this.#writeDone = done
    if (channel === undefined || !channel.isOpen) {
      this.#onceRead((error) => this.#finishWrite(error))
      return
    }
    this.#handedOver = data.length
    this.#bytesWritten += data.length
    channel.write(data, () => {
      this.moved()
      this.#finishWrite(null)
    })
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

  /** A `data` listener runs inside `push()`: what it throws is the program's own affair, not the connection's. */
  #pushWanted(): void {
    try {
      while (this.#isWanted && !this.destroyed) {
        const bytes = this.#queue.shift()
        if (bytes === undefined) break
        this.#channel?.consumed(bytes.length)
        // Set before: a listener that reads asks for more from inside.
        this.#isWanted = false
        if (this.push(bytes)) this.#isWanted = true
      }
      if (this.#hasEnded && this.#queue.isEmpty && this.#isWanted) this.#pushEnd()
    } catch (error) {
      this.#isWanted = true
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #pushEnd(): void {
    this.#isWanted = false
    this.push(null)
  }
}

function closedError(): HoldfastError {
  return new HoldfastError('ERR_SSH_CHANNEL_CLOSED', 'the tunnel was closed before it took all that was written', {
    phase: 'ready',
    hint: 'the far side, or the server on its behalf, ended the connection: look there',
  })
}
