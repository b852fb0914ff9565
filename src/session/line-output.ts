import { StringDecoder } from 'node:string_decoder'
import type { Output } from './output.js'

/** Longer lines are none of ours. */
const maxLine = 64 * 1024

/** Output as lines, taken as they come. */
export class LineOutput implements Output {
  readonly unread = 0
  readonly #consumed: (bytes: number) => void
  readonly #line: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''

  constructor(consumed: (bytes: number) => void, line: (line: string) => void) {
    this.#consumed = consumed
    this.#line = line
  }

  deliver(bytes: Buffer): void {
    this.#consumed(bytes.length)
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n')
    this.#rest = (lines.pop() ?? '').slice(0, maxLine)
    for (const line of lines) this.#line(line)
  }

  end(): void {}

  fail(): void {}
}
