import { HoldfastError } from '../errors.js'
import { Reader } from '../wire/reader.js'

/** Reads keys and certificates: what is wrong with one is an error of that key, not of the protocol. */
export class KeyReader extends Reader {
  readonly #what: string

  /** @param what the file, line or message that holds the key, as errors are to show it */
  constructor(what: string, bytes: Buffer, offset = 0) {
    super(what, bytes, offset)
    this.#what = what
  }

  override error(field: string, problem: string): HoldfastError {
    return keyError(this.#what, `${field} ${problem}`)
  }
}

export function keyError(what: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_KEY', `${what}: ${problem}`)
}
