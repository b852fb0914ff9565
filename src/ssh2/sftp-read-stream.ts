import { Readable } from 'node:stream'
import { failsByOwnEnd, failsInSsh2 } from './errors.js'
import type { SftpCalls } from './sftp-calls.js'
import { StreamFile } from './sftp-stream-file.js'

export interface ReadStreamOptions {
  readonly flags?: string
  readonly encoding?: BufferEncoding | null
  readonly handle?: Buffer | null
  readonly mode?: number
  /** @default true */
  readonly autoClose?: boolean
  /** Where to begin, and the last byte to read. */
  readonly start?: number
  readonly end?: number
  /** @default 65536 */
  readonly highWaterMark?: number
}

/** A file of the server as a stream, with the events and properties of ssh2's. */
export class ReadStream extends Readable {
  readonly path: string
  readonly flags: string
  readonly mode: number
  readonly start: number | undefined
  readonly end: number
  readonly autoClose: boolean
  readonly sftp: SftpCalls
  pos: number
  bytesRead = 0
  isClosed = false
  readonly #file: StreamFile
  #hasFailed = false

  /** @internal */
  constructor(sftp: SftpCalls, path: string, given?: ReadStreamOptions | BufferEncoding) {
    const options = streamOptions<ReadStreamOptions>(given)
    const { highWaterMark = 64 * 1024, encoding } = options
    super({ highWaterMark, emitClose: false, autoDestroy: false, ...(encoding ? { encoding } : {}) })
    const { flags = 'r', mode = 0o666, start, end = Number.POSITIVE_INFINITY, autoClose = true } = options
    checkRange(start, end)
    this.path = path
    this.flags = flags
    this.mode = mode
    this.start = start
    this.end = end
    this.autoClose = autoClose
    this.sftp = sftp
    this.pos = start ?? 0
    this.#file = new StreamFile(sftp, path, { flags, mode, handle: options.handle ?? undefined })
    this.on('end', () => {
      if (this.autoClose) this.destroy()
    })
    if (this.#file.handle === undefined) this.open()
  }

  get handle(): Buffer | null {
    return this.#file.handle ?? null
  }

  get pending(): boolean {
    return this.#file.handle === undefined
  }

  open(): void {
    this.#file.open((error) => {
      if (this.destroyed) return
      if (error !== undefined) this.#fail(error)
      else {
        this.emit('open', this.#file.handle)
        this.emit('ready')
        this.read()
      }
    })
  }

  close(callback?: (error?: Error | null) => void): void {
    if (callback !== undefined) this.once('close', callback)
    this.destroy()
  }

  override _read(size: number): void {
    const { handle } = this.#file
    if (handle === undefined) {
      this.once('open', () => this._read(size))
      return
    }
    const wanted = Math.min(size, this.end - this.pos + 1)
    if (wanted <= 0) {
      this.push(null)
      return
    }
    const memory = Buffer.allocUnsafe(wanted)
    this.sftp.read(handle, memory, 0, wanted, this.pos, (error, count) => {
      if (this.destroyed) return
      if (error !== undefined) this.#fail(error)
      else this.#came(memory.subarray(0, count))
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#file.close((closeError) => {
      // What follows from a failure is not told too: on a connection that is over nothing can be closed either.
      const isNews = closeError !== undefined && !this.#hasFailed && this.#isCloseTold(closeError)
      const cause = error ?? (isNews ? closeError : undefined)
      this.isClosed = true
      done(cause)
      if (!cause) this.emit('close')
    })
  }

  #came(data: Buffer): void {
    this.bytesRead += data.length
    this.pos += data.length
    this.push(data.length === 0 ? null : data)
  }

  #fail(error: Error): void {
    this.#hasFailed = true
    const isTold = this.#isTold(error)
    if (isTold) this.emit('error', error)
    if (this.autoClose || !isTold) this.destroy()
  }

  /** Nobody's program is to end by what would have been a wait. */
  #isTold(error: Error): boolean {
    return failsInSsh2(error) || this.listenerCount('error') > 0
  }

  /** Who ends the client while a file closes lacks nothing of it; in ssh2 it ends the program, or not, as the answer comes. */
  #isCloseTold(error: Error): boolean {
    return failsByOwnEnd(error) ? this.listenerCount('error') > 0 : this.#isTold(error)
  }
}

/** @throws TypeError */
export function streamOptions<Options extends object>(
  given: Options | string | null | undefined,
): Partial<Options> & {
  readonly encoding?: BufferEncoding | null
} {
  if (given === undefined) return {}
  if (typeof given === 'string') {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a wrong one is an error of Node's
    return { encoding: given as BufferEncoding } as Partial<Options> & { encoding: BufferEncoding }
  }
  if (given === null || typeof given !== 'object')
    throw new TypeError('"options" argument must be a string or an object')
  return given
}

/** @throws TypeError, RangeError in the words of `node:fs`, as ssh2 does */
function checkRange(start: unknown, end: number): void {
  if (start !== undefined) checkPosition(start, 'start')
  if (end !== Number.POSITIVE_INFINITY) checkPosition(end, 'end')
  if (typeof start !== 'number' || start <= end) return
  throw new RangeError(`The value of "start" is out of range. It must be <= "end" (here: ${end}). Received ${start}`)
}

/** @throws TypeError, RangeError */
export function checkPosition(position: unknown, name: string): void {
  if (typeof position !== 'number')
    throw new TypeError(`The "${name}" argument must be of type number. Received type ${typeof position}`)
  if (Number.isSafeInteger(position) && position >= 0) return
  throw new RangeError(
    `The value of "${name}" is out of range. It must be >= 0 and <= 2 ** 53 - 1. Received ${position}`,
  )
}
