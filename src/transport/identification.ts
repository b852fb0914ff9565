import { HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'

/** RFC 4253 section 4.2: 255 characters with CR LF. */
const maxIdentification = 255
/** What a server may say before it identifies itself: OpenSSH's own limits, and a total that no banner needs. */
const maxLines = 1024
const maxBytes = 64 * 1024

export interface Identification {
  /** The whole line without CR LF, as it goes into the exchange hash. */
  readonly line: Buffer
  /** `OpenSSH_9.2p1`: what the peer says it is, with everything unprintable escaped. */
  readonly software: string
}

/** Finds the peer's identification in the first bytes of a connection (RFC 4253 section 4.2). */
export class IdentificationReader {
  #bytes = Buffer.alloc(0)

  /** @returns undefined while the line is not complete; afterwards the reader is not to be used again */
  receive(chunk: Buffer): { readonly identification: Identification; readonly rest: Buffer } | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    let start = 0
    for (let lines = 0; ; lines++) {
      const end = this.#bytes.indexOf(0x0a, start)
      this.#check(lines, start, end)
      if (end === -1) return undefined
      const line = this.#bytes.subarray(start, this.#bytes[end - 1] === 0x0d ? end - 1 : end)
      start = end + 1
      if (isIdentification(line)) return { identification: parse(line), rest: this.#bytes.subarray(start) }
    }
  }

  /** What the peer said instead, for an error: `nothing`, or its words. */
  get heard(): string {
    return this.#bytes.length === 0 ? 'nothing' : `"${printable(this.#bytes.toString('latin1'), 120)}"`
  }

  #check(lines: number, start: number, end: number): void {
    const pending = this.#bytes.subarray(start, end === -1 ? undefined : end)
    if (isIdentification(pending) && pending.length > maxIdentification) {
      throw this.#error(`its identification is longer than ${maxIdentification} bytes`)
    }
    if (lines > maxLines) throw this.#error(`it sent more than ${maxLines} lines before its identification`)
    if (start > maxBytes || (end === -1 && this.#bytes.length > maxBytes)) {
      throw this.#error(`it sent more than ${maxBytes} bytes before its identification`)
    }
  }

  #error(problem: string): HoldfastError {
    return notSsh(`${problem}; it began with ${this.heard}`)
  }
}

function isIdentification(line: Buffer): boolean {
  return line.length >= 4 && line.toString('latin1', 0, 4) === 'SSH-'
}

function parse(line: Buffer): Identification {
  const match = /^SSH-(2\.0|1\.99)-([\x21-\x7e]+)( .*)?$/.exec(line.toString('latin1'))
  if (match?.[2] === undefined || line.includes(0)) {
    throw notSsh(`it identifies itself as "${printable(line.toString('latin1'), 120)}", which is not SSH 2.0`)
  }
  return { line: Buffer.from(line), software: printable(match[2]) }
}

function notSsh(problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_IDENTIFICATION', `the peer is no SSH 2.0 server: ${problem}`, {
    phase: 'identification',
  })
}
