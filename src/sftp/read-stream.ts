import { Readable } from 'node:stream'
import { readAhead } from './read-ahead.js'
import { type CallOptions, checkEncoding, checkSignal, toOffset } from './settings.js'
import { asError, type Done, type StreamFile, tell, tellEnd } from './stream-file.js'

/** As `node:fs` has it. */
export interface ReadStreamOptions extends CallOptions {
  /** The first byte of the file. @default 0 */
  readonly start?: number | undefined
  /** The last one, which comes too. @default the end of the file */
  readonly end?: number | undefined
  readonly encoding?: BufferEncoding | undefined
  /** @default true */
  readonly autoClose?: boolean | undefined
  /** Bytes that may wait in the stream; a few requests are under way besides. @default 256 KiB */
  readonly highWaterMark?: number | undefined
}

/** A file of the server as a stream. */
export class ReadStream extends Readable {
  readonly path: string
  /** Bytes that came so far. */
  bytesRead = 0
  readonly #file: StreamFile
  readonly #range: { readonly start: number; readonly end: number; readonly signal: AbortSignal | undefined }
  readonly #autoClose: boolean
  readonly #unlisten: (() => void) | undefined
  #chunks: AsyncGenerator<Buffer> | undefined

  /** @internal */
  constructor(file: StreamFile, options: ReadStreamOptions) {
    // Before `super`: a stream that Node has begun to construct opens its file, whatever is thrown after that.
    const encoding = checkEncoding(options.encoding)
    const { start = 0, end, autoClose = true } = options
    const signal = checkSignal(options.signal)
    const range = {
      start: toOffset(start, 'start'),
      end: end === undefined ? Number.MAX_SAFE_INTEGER : toOffset(end, 'end') + 1,
      signal,
    }
    super({ highWaterMark: options.highWaterMark ?? 256 * 1024, ...(encoding === undefined ? {} : { encoding }) })
    this.path = file.path
    this.#file = file
    this.#range = range
    this.#autoClose = autoClose
    this.#unlisten = signal && file.session.onAbort(signal, (error) => this.destroy(error))
  }

  override _construct(done: Done): void {
    void tell(done, this.#start())
  }

  override _read(): void {
    void this.#next()
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#unlisten?.()
    void tellEnd(done, this.#close(), error)
  }

  async #close(): Promise<void> {
    // Not waited for: it may wait for the server itself.
    this.#chunks?.return(undefined).catch(() => {})
    if (this.#autoClose && this.#chunks !== undefined) await this.#file.close()
  }

  async #start(): Promise<void> {
    const file = await this.#file.open().catch((error: unknown) => this.#openFailed(error))
    if (file !== undefined) this.#chunks = readAhead(file, this.#range)
  }

  /** Destroyed meanwhile, the stream has its error already. */
  #openFailed(error: unknown): void {
    if (!this.destroyed) throw error
  }

  /** What a listener throws when it gets the bytes is the program's own, and is no failure of the file. */
  async #next(): Promise<void> {
    const next = await this.#chunks?.next().catch((error: unknown) => void this.destroy(asError(error)))
    if (next !== undefined) this.#push(next)
  }

  #push({ done, value }: IteratorResult<Buffer, unknown>): void {
    if (this.destroyed) return
    if (done === true) {
      this.push(null)
      return
    }
    this.bytesRead += value.length
    this.push(value)
  }
}
