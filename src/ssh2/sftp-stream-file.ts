import type { SftpCalls } from './sftp-calls.js'

export interface StreamFileOptions {
  readonly flags: string
  readonly mode: number
  readonly handle: Buffer | undefined
}

/** The file under a stream: opened once, and closed once, also where the stream ends while it is being opened. */
export class StreamFile {
  readonly #sftp: SftpCalls
  readonly #path: string
  readonly #options: StreamFileOptions
  #handle: Buffer | undefined
  #isOpening = false
  #onceOpened: (() => void) | undefined

  constructor(sftp: SftpCalls, path: string, options: StreamFileOptions) {
    this.#sftp = sftp
    this.#path = path
    this.#options = options
    this.#handle = Buffer.isBuffer(options.handle) ? options.handle : undefined
  }

  get handle(): Buffer | undefined {
    return this.#handle
  }

  /** @param opened is called too where the stream has ended meanwhile, and the file could not be opened */
  open(opened: (error: Error | undefined) => void): void {
    if (this.#isOpening) return
    this.#isOpening = true
    const { flags, mode } = this.#options
    this.#sftp.open(this.#path, flags, mode, (error, handle) => {
      this.#isOpening = false
      if (error === undefined) this.#handle = handle
      if (error !== undefined || this.#onceOpened === undefined) opened(error)
      this.#onceOpened?.()
    })
  }

  close(closed: (error: Error | undefined) => void): void {
    if (this.#isOpening) {
      this.#onceOpened = () => this.close(closed)
      return
    }
    const handle = this.#handle
    this.#handle = undefined
    if (handle === undefined) process.nextTick(() => closed(undefined))
    else this.#sftp.close(handle, (error) => closed(error))
  }
}
