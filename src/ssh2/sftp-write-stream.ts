import { Writable } from 'node:stream'
import { failsByOwnEnd, failsInSsh2 } from './errors.js'
import type { SftpCalls } from './sftp-calls.js'
import { promised, statOpen } from './sftp-files.js'
import { checkPosition, streamOptions } from './sftp-read-stream.js'
import { StreamFile } from './sftp-stream-file.js'

export interface WriteStreamOptions {
  readonly flags?: string
  readonly encoding?: BufferEncoding | null
  readonly handle?: Buffer | null
  /** Set once the file is open, whatever the server's umask. @default 0o666 */
  readonly mode?: number
  /** @default true */
  readonly autoClose?: boolean
  readonly start?: number
  readonly highWaterMark?: number
}

type Done = (error?: Error | null) => void

/** A file of the server to write to, with the events and properties of ssh2's. */
export class WriteStream extends Writable {
  readonly path: string
  readonly flags: string
  readonly mode: number
  readonly start: number | undefined
  readonly autoClose: boolean
  readonly sftp: SftpCalls
  pos: number
  bytesWritten = 0
  isClosed = false
  readonly #file: StreamFile
  #failure: Error | undefined
  /** Ends a write that waits until the file is ready. */
  #endWaiting: Done | undefined
  /** Whether a write may go out: the mode is set, and where to write is known. */
  #isReady = false

  /** @internal */
  constructor(sftp: SftpCalls, path: string, given?: WriteStreamOptions | BufferEncoding) {
    const options = streamOptions<WriteStreamOptions>(given)
    const { highWaterMark, encoding } = options
    super({ emitClose: false, autoDestroy: false, ...(highWaterMark === undefined ? {} : { highWaterMark }) })
    const { flags = 'w', mode = 0o666, start, autoClose = true } = options
    if (start !== undefined) checkPosition(start, 'start')
    this.path = path
    this.flags = flags
    this.mode = mode
    this.start = start
    this.autoClose = autoClose
    this.sftp = sftp
    this.pos = start ?? 0
    if (encoding) this.setDefaultEncoding(encoding)
    this.#file = new StreamFile(sftp, path, { flags, mode, handle: options.handle ?? undefined })
    this.#isReady = this.#file.handle !== undefined
    if (!this.#isReady) this.open()
  }

  get handle(): Buffer | null {
    return this.#file.handle ?? null
  }

  get pending(): boolean {
    return this.#file.handle === undefined
  }

  open(): void {
    this.#file.open((error) => {
      // One that the program gave up needs no file.
      if (this.destroyed && !this.writableEnded) return
      if (error !== undefined) this.#fail(error)
      else
        void this.#prepare().catch((failure: unknown) =>
          this.#fail(asError(failure), (late) => this.#isToldOnceOpen(late)),
        )
    })
  }

  close(callback?: Done): void {
    if (callback !== undefined) {
      if (this.isClosed) {
        process.nextTick(callback)
        return
      }
      this.on('close', callback)
    }
    if (!this.autoClose) this.on('finish', () => this.destroy())
    this.end()
  }

  destroySoon(): void {
    this.end()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#writeAll([chunk], done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    this.#writeAll(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: Done): void {
    if (this.autoClose) this.destroy()
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    if (this.#endWaiting !== undefined) process.nextTick(this.#endWaiting, error ?? this.#failure ?? wasDestroyed())
    this.#file.close((closeError) => {
      // What follows from a failure is not told too: on a connection that is over nothing can be closed either.
      const isNews = closeError !== undefined && this.#failure === undefined && this.#isToldOnceOpen(closeError)
      const cause = error ?? (isNews ? closeError : undefined)
      this.isClosed = true
      done(cause)
      if (!cause) this.emit('close')
    })
  }

  /** As ssh2: the mode is set on the open file, and where it appends it begins at the end. */
  async #prepare(): Promise<void> {
    const { handle } = this.#file
    if (handle === undefined) return
    await promised<void>((done) => this.sftp.fchmod(handle, this.mode, done))
      .catch(() => promised<void>((done) => this.sftp.chmod(this.path, this.mode, done)))
      .catch(() => {})
    if (this.flags.startsWith('a')) this.pos = (await statOpen(this.sftp, this.path, handle)).size ?? 0
    // Later: what a listener throws is the program's own affair.
    process.nextTick(() => {
      if (this.destroyed) return
      this.#isReady = true
      this.emit('open', handle)
      this.emit('ready')
    })
  }

  /** All at once, each at its own place in the file. */
  #writeAll(chunks: readonly Buffer[], done: Done): void {
    const { handle } = this.#file
    if (handle === undefined || !this.#isReady) {
      this.#endWaiting = done
      this.once('open', () => {
        // A listener before this one may have destroyed the stream, by which the write has ended.
        if (!this.destroyed) this.#writeAll(chunks, done)
      })
      return
    }
    this.#endWaiting = undefined
    const writes = chunks.map((chunk) => {
      const position = this.pos
      this.pos += chunk.length
      return promised<number>((written) => this.sftp.write(handle, chunk, 0, chunk.length, position, written))
    })
    Promise.all(writes).then(
      () => {
        for (const { length } of chunks) this.bytesWritten += length
        process.nextTick(done)
      },
      (error: unknown) => process.nextTick(() => this.#writeFailed(asError(error), done)),
    )
  }

  /** ssh2 closes without a word of it, as if all had been written. Who listens is told; nobody else, since no program expects it. */
  #writeFailed(error: Error, done: Done): void {
    this.#failure = error
    if (!this.#isHeard && (this.autoClose || !failsInSsh2(error))) this.destroy()
    done(error)
    if (this.autoClose) this.destroy()
  }

  /** Of the listener that each `pipe()` adds, one for `unpipe` with it, nobody hears. */
  get #isHeard(): boolean {
    const pipes = this.listeners('unpipe').filter(({ name }) => name === 'onunpipe')
    return this.listenerCount('error') > pipes.length
  }

  /** Nobody's program is to end by what would have been a wait. */
  #isTold(error: Error): boolean {
    return failsInSsh2(error) || this.#isHeard
  }

  /** Who ends the client while its file closes lacks nothing; before, ssh2 asks on over what is over, and never says a word. */
  #isToldOnceOpen(error: Error): boolean {
    return failsByOwnEnd(error) ? this.#isHeard : this.#isTold(error)
  }

  /** @param decide whether it is told, by who listens then */
  #fail(error: Error, decide = (failure: Error) => this.#isTold(failure)): void {
    this.#failure = error
    process.nextTick(() => {
      const isTold = decide(error)
      if (isTold) this.emit('error', error)
      if (this.autoClose || !isTold) this.destroy()
    })
  }
}

/** What Node says of writes that a stream which is destroyed has not begun. */
function wasDestroyed(): Error {
  return Object.assign(new Error('Cannot call write after a stream was destroyed'), { code: 'ERR_STREAM_DESTROYED' })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
