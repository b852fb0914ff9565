import { Writable } from 'node:stream'
import { type CallOptions, checkSignal, toOffset } from './settings.js'
import { type Done, type StreamFile, tell, tellEnd } from './stream-file.js'
import { WriteBehind } from './write-behind.js'

/** As `node:fs` has it. */
export interface WriteStreamOptions extends CallOptions {
  /** Where in the file it begins. @default 0 */
  readonly start?: number | undefined
  /** @default true */
  readonly autoClose?: boolean | undefined
  /** Bytes that may wait in the stream; a few requests are under way besides. @default 256 KiB */
  readonly highWaterMark?: number | undefined
}

/** A file of the server as a stream. It has finished once the server has taken everything, and closed the file. */
export class WriteStream extends Writable {
  readonly path: string
  /** Bytes under way or taken so far. */
  bytesWritten = 0
  readonly #file: StreamFile
  readonly #startAt: number
  readonly #signal: AbortSignal | undefined
  readonly #autoClose: boolean
  readonly #unlisten: readonly (() => void)[]
  #writer: WriteBehind | undefined
  #isClosed = false

  /** @internal */
  constructor(file: StreamFile, options: WriteStreamOptions) {
    // Before `super`: a stream that Node has begun to construct opens its file, whatever is thrown after that.
    const { start = 0, autoClose = true } = options
    const startAt = toOffset(start, 'start')
    const signal = checkSignal(options.signal)
    super({ highWaterMark: options.highWaterMark ?? 256 * 1024 })
    this.path = file.path
    this.#file = file
    this.#startAt = startAt
    this.#autoClose = autoClose
    this.#signal = signal
    const ended = (error: Error) => void this.destroy(error)
    // The program may have nothing to write just then.
    const { session } = file
    this.#unlisten = [session.onEnd(ended), ...(signal === undefined ? [] : [session.onAbort(signal, ended)])]
  }

  override _construct(done: Done): void {
    void tell(done, this.#start())
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#write(chunk, done)
  }

  /** Small writes go together: each request has a round trip of its own to be answered. */
  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    this.#write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: Done): void {
    void tell(done, this.#finish())
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#watchNoMore()
    void tellEnd(done, this.#close(), error)
  }

  async #start(): Promise<void> {
    const file = await this.#file.open().catch((error: unknown) => this.#openFailed(error))
    if (file !== undefined) this.#writer = new WriteBehind(file, { offset: this.#startAt, signal: this.#signal })
  }

  /** Destroyed meanwhile, the stream has its error already. */
  #openFailed(error: unknown): void {
    if (!this.destroyed) throw error
  }

  #write(data: Buffer, done: Done): void {
    if (this.#writer === undefined) return
    this.bytesWritten += data.length
    void tell(done, this.#writer.write(data))
  }

  async #finish(): Promise<void> {
    await this.#writer?.flush()
    await this.#close()
    // Nothing that happens after that is a failure of the stream.
    this.#watchNoMore()
  }

  #watchNoMore(): void {
    for (const unlisten of this.#unlisten) unlisten()
  }

  async #close(): Promise<void> {
    if (!this.#autoClose || this.#writer === undefined || this.#isClosed) return
    this.#isClosed = true
    await this.#file.close()
  }
}
