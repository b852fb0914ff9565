import { Readable } from 'node:stream'
import { warn } from './answer.js'

/**
 * What of it is kept here while nobody reads it. Both outputs of a command share one window, so a program that reads one to
 * its end before the other would else wait for ever for a command that cannot write.
 */
const keptBytes = 16 * 1024 * 1024

/** The standard error of a command, as `ssh2_fetch_stream()` gives it. */
export class StderrStream extends Readable {
  readonly #source: Readable
  #isFetched = false
  #isCut = false

  constructor(source: Readable) {
    super({ highWaterMark: keptBytes })
    this.#source = source
    // A failure must not end a program that does not listen; those that do hear it all the same.
    this.on('error', () => {})
    source.on('data', (bytes: Buffer) => this.#came(bytes))
    source.once('end', () => this.push(null))
    source.once('close', () => {
      if (!source.readableEnded) this.destroy(source.errored ?? undefined)
    })
  }

  /** The program wants it: from now on it is to read what comes. */
  fetched(): this {
    this.#isFetched = true
    return this
  }

  /** The command was left to itself: what nobody has asked for is dropped. */
  left(): void {
    if (!this.#isFetched) this.destroy()
  }

  override _read(): void {
    this.#source.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#source.destroy()
    done(error)
  }

  #came(bytes: Buffer): void {
    const isFull = this.readableLength >= keptBytes
    if (isFull && !this.#isFetched) this.#drop()
    else if (!this.push(bytes) && this.#isFetched) this.#source.pause()
  }

  #drop(): void {
    if (this.#isCut) return
    this.#isCut = true
    warn('ssh2_exec', `more than ${keptBytes} bytes of stderr came that nobody has fetched: the rest is thrown away`)
  }
}
