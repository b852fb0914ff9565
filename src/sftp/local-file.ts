import * as fs from 'node:fs'
import { promisify } from 'node:util'

const openFile = promisify(fs.open)
const readFile = promisify(fs.read)
const writeFile = promisify(fs.write)
const writePieces = promisify(fs.writev)
const statFile = promisify(fs.fstat)
const chmodFile = promisify(fs.fchmod)
const setTimes = promisify(fs.futimes)
const truncateFile = promisify(fs.ftruncate)
const syncFile = promisify(fs.fsync)
const closeFile = promisify(fs.close)

const closed = -1

/**
 * An open file of this machine, by its number: a `FileHandle` of Node takes up to twice the processor time for the same
 * calls. One call at a time, `close()` the last: the number may be another file's after that.
 */
export class LocalFile {
  #descriptor: number

  /** @param descriptor of what is open already */
  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** @param mode of a file that is made */
  static async open(path: string, flags: number, mode?: number): Promise<LocalFile> {
    return new LocalFile(await openFile(path, flags, mode))
  }

  stat(): Promise<fs.Stats> {
    return statFile(this.#descriptor)
  }

  /** @returns how many bytes came, 0 at the end of the file */
  async read(buffer: Buffer, position: number): Promise<number> {
    return (await readFile(this.#descriptor, buffer, 0, buffer.length, position)).bytesRead
  }

  /** @returns what the buffer was filled with, which is less where the file ends */
  async fill(buffer: Buffer, position: number): Promise<Buffer> {
    let filled = 0
    while (filled < buffer.length) {
      const bytes = await this.read(buffer.subarray(filled), position + filled)
      if (bytes === 0) break
      filled += bytes
    }
    return buffer.subarray(0, filled)
  }

  /** All of them. */
  async write(bytes: Buffer, position: number): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const left = bytes.length - written
      written += (await writeFile(this.#descriptor, bytes, written, left, position + written)).bytesWritten
    }
  }

  /** All of them, one behind the other: by one call, where the system takes them at once. */
  async writeTogether(pieces: readonly Buffer[], position: number): Promise<void> {
    const { bytesWritten } = await writePieces(this.#descriptor, pieces, position)
    let at = 0
    for (const piece of pieces) {
      const written = Math.min(piece.length, Math.max(0, bytesWritten - at))
      if (written < piece.length) await this.write(piece.subarray(written), position + at + written)
      at += piece.length
    }
  }

  chmod(mode: number): Promise<void> {
    return chmodFile(this.#descriptor, mode)
  }

  /** Seconds since 1970. */
  utimes(atime: number, mtime: number): Promise<void> {
    return setTimes(this.#descriptor, atime, mtime)
  }

  truncate(length: number): Promise<void> {
    return truncateFile(this.#descriptor, length)
  }

  sync(): Promise<void> {
    return syncFile(this.#descriptor)
  }

  close(): Promise<void> {
    const descriptor = this.#descriptor
    this.#descriptor = closed
    return closeFile(descriptor)
  }
}

/** Whether nobody wrote to it. A file that is as old as the transfer may change within the same tick of its clock. */
export function isSame(before: fs.Stats, after: fs.Stats): boolean {
  return before.size === after.size && before.mtimeMs === after.mtimeMs && before.ctimeMs === after.ctimeMs
}
