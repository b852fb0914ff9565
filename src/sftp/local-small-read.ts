import { constants, fstat, open, read, type Stats } from 'node:fs'
import { Deferred } from '../liveness/deferred.js'
import { isSame, LocalFile } from './local-file.js'
import { smallBytes } from './small.js'

/** The content of a small file of this machine. */
export interface LocalContent {
  /** In memory of the pool. */
  readonly bytes: Buffer
  readonly stats: Stats
  /** Its end. @throws what the local system says */
  readonly closed: Promise<void>
}

/** Memory for small files, each piece with room for a byte more, by which a larger one is seen; and what the last one was like. */
export class SmallMemory {
  /** Whether it had changed just before, as have the others of a tree that was just made. */
  wasRecent = false
  readonly #free: Buffer[] = []

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(smallBytes + 1)
  }

  giveBack({ buffer }: Buffer): void {
    this.#free.push(Buffer.from(buffer))
  }
}

/**
 * How long ago a file must have changed for the last time, in milliseconds, to be sure that nobody wrote to it since it was
 * opened: some file systems keep seconds, one each two, and the clock of one that another machine holds may be behind.
 */
const settledMs = 2100

/**
 * Reads a small file at once, and looks only then at what it is, which a file that was changed long ago says for the time
 * before too: one call fewer of the four that go to another thread.
 */
export class LocalSmallRead {
  readonly #memory: SmallMemory
  readonly #buffer: Buffer
  readonly #since = Date.now()
  readonly #found = new Deferred<LocalContent | LocalFile>()
  #descriptor = -1
  #length = 0
  #before: Stats | undefined

  constructor(memory: SmallMemory) {
    this.#memory = memory
    this.#buffer = memory.take()
  }

  /** @returns the file, open, where it is large, changed meanwhile, or is no file at all. @throws what keeps it from being opened */
  run(path: string): Promise<LocalContent | LocalFile> {
    // Without NONBLOCK, opening a FIFO that took the file's place would wait for its writer.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
    open(path, flags, (error, descriptor) => this.#opened(error, descriptor))
    return this.#found.promise
  }

  #opened(error: Error | null, descriptor: number): void {
    this.#descriptor = descriptor
    if (error === null && this.#memory.wasRecent) this.#lookBefore()
    else if (error === null) this.#read()
    else {
      this.#memory.giveBack(this.#buffer)
      this.#found.reject(error)
    }
  }

  /** Of a file that is to be looked at twice anyway: else it would be read twice. */
  #lookBefore(): void {
    fstat(this.#descriptor, (error, stats) => {
      if (error === null) this.#before = stats
      this.#read()
    })
  }

  /** A pipe has no position to read from, so that nothing is taken out of it. */
  #read(): void {
    read(this.#descriptor, this.#buffer, 0, this.#buffer.length, 0, (error, length) => {
      this.#length = length
      if (error !== null || length > smallBytes) this.#leave()
      else this.#look()
    })
  }

  #look(): void {
    fstat(this.#descriptor, (error, stats) => {
      if (error !== null || !stats.isFile() || stats.size !== this.#length) {
        this.#leave()
        return
      }
      this.#memory.wasRecent = !this.#isSettled(stats)
      if (!this.#memory.wasRecent || (this.#before !== undefined && isSame(this.#before, stats))) this.#finish(stats)
      else if (this.#before !== undefined) this.#leave()
      else {
        this.#before = stats
        this.#read()
      }
    })
  }

  #isSettled({ ctimeMs }: Stats): boolean {
    return ctimeMs < this.#since - settledMs
  }

  #finish(stats: Stats): void {
    const closed = new LocalFile(this.#descriptor).close()
    // Only later somebody waits for it.
    closed.catch(() => {})
    this.#found.resolve({ bytes: this.#buffer.subarray(0, this.#length), stats, closed })
  }

  /** To the way of all other files. */
  #leave(): void {
    this.#memory.giveBack(this.#buffer)
    this.#found.resolve(new LocalFile(this.#descriptor))
  }
}
