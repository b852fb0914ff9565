import { HoldfastError } from '../errors.js'
import { copyOf } from '../wire/copy.js'
import { printable } from '../wire/printable.js'

/** RFC 4253 section 4.2: 255 characters with CR LF. */
const maxIdentification = 255
/** What a server may say before it identifies itself: OpenSSH's own limits, and a total that no banner needs. */
const maxLines = 1024
const maxBytes = 64 * 1024

const none = Buffer.alloc(0)

export interface Identification {
  /** The whole line without CR LF, as it goes into the exchange hash. */
  readonly line: Buffer
  /** `OpenSSH_9.2p1`: what the peer says it is, with everything unprintable escaped. */
  readonly software: string
  /** The lines that came before it, with their line ends. */
  readonly greeting: Buffer
}

/**
 * Finds the peer's identification in the first bytes of a connection (RFC 4253 section 4.2). Each byte is looked at
 * once, in however small pieces it comes: a peer must not make us search its lines anew for each.
 */
export class IdentificationReader {
  #buffer = Buffer.alloc(256)
  #length = 0
  #lines = 0
  /** Where the line under way begins, and up to where its end has been looked for. */
  #start = 0
  #searched = 0

  /** @returns undefined while the line is not complete; afterwards the reader is not to be used again */
  receive(chunk: Buffer): { readonly identification: Identification; readonly rest: Buffer } | undefined {
    this.#append(chunk)
    const bytes = this.#bytes
    for (;;) {
      const end = bytes.indexOf(0x0a, this.#searched)
      this.#check(bytes.subarray(this.#start, end === -1 ? undefined : end))
      this.#searched = end === -1 ? bytes.length : end + 1
      if (end === -1) return undefined
      const line = bytes.subarray(this.#start, bytes[end - 1] === 0x0d ? end - 1 : end)
      const greeting = bytes.subarray(0, this.#start)
      this.#start = end + 1
      this.#lines++
      if (isIdentification(line)) return { identification: parse(line, greeting), rest: bytes.subarray(this.#start) }
    }
  }

  /** What the peer said instead, for an error: `nothing`, or its words. */
  get heard(): string {
    return this.#length === 0 ? 'nothing' : `"${printable(this.#bytes.toString('latin1'), 120)}"`
  }

  get #bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #append(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(length, 2 * this.#buffer.length))
      this.#bytes.copy(grown)
      this.#buffer = grown
    }
    chunk.copy(this.#buffer, this.#length)
    this.#length = length
  }

  #check(pending: Buffer): void {
    if (isIdentification(pending) && pending.length > maxIdentification) {
      throw this.#error(`its identification is longer than ${maxIdentification} bytes`)
    }
    if (this.#lines > maxLines) throw this.#error(`it sent more than ${maxLines} lines before its identification`)
    if (this.#start > maxBytes || pending.length > maxBytes) {
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

function parse(line: Buffer, greeting: Buffer): Identification {
  const match = /^SSH-(2\.0|1\.99)-([\x21-\x7e]+)( .*)?$/.exec(line.toString('latin1'))
  if (match?.[2] === undefined || line.includes(0)) {
    throw notSsh(`it identifies itself as "${printable(line.toString('latin1'), 120)}", which is not SSH 2.0`)
  }
  // Hardly any peer says something before.
  return {
    line: copyOf(line),
    software: printable(match[2]),
    greeting: greeting.length === 0 ? none : copyOf(greeting),
  }
}

function notSsh(problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_IDENTIFICATION', `the peer is no SSH 2.0 server: ${problem}`, {
    phase: 'identification',
  })
}
