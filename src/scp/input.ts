import type { Readable } from 'node:stream'
import { printable } from '../wire/printable.js'

const lineEnd = '\n'.charCodeAt(0)

/** What a remote scp writes, byte by byte, line by line or as it comes; never more is kept than one piece of it. */
export class Input {
  readonly #pieces: AsyncIterator<Buffer>
  readonly #patiently: <T>(what: string, next: Promise<T>) => Promise<T>
  #rest: Buffer = Buffer.alloc(0)

  /** @param patiently waits for what comes next, for no longer than may be */
  constructor(stream: Readable, patiently: <T>(what: string, next: Promise<T>) => Promise<T>) {
    this.#pieces = stream[Symbol.asyncIterator]()
    this.#patiently = patiently
  }

  /** Undefined at the end. */
  async byte(what: string): Promise<number | undefined> {
    return (await this.some(1, what))?.[0]
  }

  /** At most so many bytes, at least one; undefined at the end. */
  async some(most: number, what: string): Promise<Buffer | undefined> {
    return (await this.#fill(what)) ? this.#take(most) : undefined
  }

  /** Up to a line's end, which is left out; undefined where it does not end, or is longer. */
  async line(most: number, what: string): Promise<Buffer | undefined> {
    const parts: Buffer[] = []
    for (let left = most; left > 0; ) {
      if (!(await this.#fill(what))) return undefined
      const end = this.#rest.subarray(0, left).indexOf(lineEnd)
      if (end !== -1) return Buffer.concat([...parts, this.#take(end + 1).subarray(0, end)])
      const part = this.#take(left)
      parts.push(Buffer.from(part))
      left -= part.length
    }
    return undefined
  }

  /** A byte that was read, and what came with it, as an error may show it. */
  show(byte: number): string {
    return printable(Buffer.concat([Buffer.of(byte), this.#rest.subarray(0, 100)]).toString(), 60)
  }

  /** @returns whether there is something */
  async #fill(what: string): Promise<boolean> {
    if (this.#rest.length === 0) this.#rest = (await this.#next(what)) ?? this.#rest
    return this.#rest.length > 0
  }

  #take(most: number): Buffer {
    const taken = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  async #next(what: string): Promise<Buffer | undefined> {
    const next = await this.#patiently(what, this.#pieces.next())
    return next.done === true ? undefined : next.value
  }
}
