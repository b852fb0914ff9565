import { Readable } from 'node:stream'
import { ByteQueue } from '../session/byte-queue.js'

/** What is kept of an output that nobody reads. With ssh2, more of it stops the command for ever. */
const maxUnheard = 1024 * 1024

/** The standard error of a command. */
export class ClientStderr extends Readable {
  readonly #consumed: (bytes: number) => void
  readonly #queue = new ByteQueue()
  #unread = 0
  #isWanted = false
  #hasEnded = false

  /** @param consumed hears how many bytes the program took */
  constructor(consumed: (bytes: number) => void) {
    super({ emitClose: false })
    this.#consumed = consumed
    this.on('error', () => {})
  }

  /** @internal */
  deliver(bytes: Buffer): void {
    if (this.destroyed || (this.#isUnheard && this.#unread + bytes.length > maxUnheard)) {
      this.#consumed(bytes.length)
      return
    }
    this.#queue.push(bytes)
    this.#unread += bytes.length
    this.#pushWanted()
  }

  /** Nothing more comes. @internal */
  finish(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#pushWanted()
  }

  /** The channel is closed: `close` comes once it was read to its end. @internal */
  channelClosed(): void {
    this.finish()
    if (this.readableEnded || this.destroyed) this.emit('close')
    else this.once('end', () => this.emit('close'))
  }

  override _read(): void {
    this.#isWanted = true
    this.#pushWanted()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#queue.clear()
    this.#take(this.#unread)
    done(error)
  }

  get #isUnheard(): boolean {
    return this.readableFlowing === null && this.listenerCount('readable') === 0
  }

  #pushWanted(): void {
    while (this.#isWanted && !this.destroyed) {
      const bytes = this.#queue.shift()
      if (bytes === undefined) break
      this.#take(bytes.length)
      // Set before: a listener that reads asks for more from inside.
      this.#isWanted = false
      if (this.push(bytes)) this.#isWanted = true
    }
    if (!this.#hasEnded || !this.#queue.isEmpty || !this.#isWanted) return
    this.#isWanted = false
    this.push(null)
  }

  #take(bytes: number): void {
    this.#unread -= bytes
    this.#consumed(bytes)
  }
}
