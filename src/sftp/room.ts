import { HoldfastError } from '../errors.js'
import { optionError } from '../session/option-error.js'

/** What an entry of a directory takes beside its name, in bytes: measured, with all that `lstat` says of it. */
const entryBytes = 500

/** For the contents of a file, in bytes: as much as `exec()` collects. */
export const defaultFileRoom = 100 * 1024 * 1024

/** For lists of names, in bytes: about half a million entries. */
export const defaultListRoom = 256 * 1024 * 1024

/** The memory that one call may fill with what a server sends. A server that never ends must not get all there is. */
export class Room {
  readonly #most: number
  readonly #what: string
  #left: number

  /** @param what whose size it is that grows, for the error */
  constructor(most: number, what: string) {
    this.#most = most
    this.#left = most
    this.#what = what
  }

  /** @throws HoldfastError ERR_SSH_MAX_BUFFER */
  take(bytes: number): void {
    this.#left -= bytes
    if (this.#left >= 0) return
    throw new HoldfastError('ERR_SSH_MAX_BUFFER', `${this.#what} has more than maxBuffer (${this.#most} bytes)`, {
      phase: 'request',
    })
  }

  /** Gives back what is taken during the work, which is of no use after it. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const left = this.#left
    try {
      return await work()
    } finally {
      this.#left = left
    }
  }

  /** @throws HoldfastError ERR_SSH_MAX_BUFFER */
  takeEntry(name: Uint8Array | string): void {
    this.take(entryBytes + name.length)
  }
}

/** @throws HoldfastError ERR_SSH_OPTION */
export function toRoom(value: unknown, otherwise: number): number {
  const bytes = value ?? otherwise
  if (typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 1) return bytes
  throw optionError('maxBuffer', 'must be a whole number of bytes from 1 to 9007199254740991')
}
