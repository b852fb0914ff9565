import { type Readable, Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import type { WriteStream } from 'node:tty'
import { printable } from '#src/wire/printable.js'

/** A line that is longer is shown in pieces. */
const maxLine = 64 * 1024

/**
 * Hands on what a command writes. A file or pipe gets its bytes as they are; a terminal gets whole lines, in which nothing
 * moves the cursor or sets a colour. Never rejects: a stream that fails does so with its command.
 */
export async function handOn(from: Readable, to: WriteStream, makeRoom: () => void): Promise<void> {
  const through = to.isTTY ? [new SafeLines(makeRoom)] : []
  await pipeline([from, ...through, to], { end: false }).catch(() => {})
}

/** Text of the peer, made safe to show, line by line. */
export class SafeLines extends Transform {
  readonly #decoder = new StringDecoder('utf8')
  readonly #makeRoom: () => void
  #rest = ''

  /** @param makeRoom called before lines are given */
  constructor(makeRoom: () => void) {
    super()
    this.#makeRoom = makeRoom
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const text = this.#rest + this.#decoder.write(chunk)
    const end = text.length > maxLine ? text.length : text.lastIndexOf('\n') + 1
    this.#rest = text.slice(end)
    this.#give(text.slice(0, end))
    done()
  }

  override _flush(done: TransformCallback): void {
    const rest = this.#rest + this.#decoder.end()
    if (rest !== '') this.#give(`${rest}\n`)
    done()
  }

  #give(text: string): void {
    if (text === '') return
    this.#makeRoom()
    this.push(text.replace(/[^\P{C}\n\t]/gu, (character) => printable(character)))
  }
}
