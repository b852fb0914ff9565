import { Writable } from 'node:stream'
import { HoldfastError } from '../errors.js'

/** The way from a program to the remote command's input. */
export interface InputPort {
  /** @param sent called once the last byte was sent; never after the channel ended */
  sendInput(data: Buffer, sent: () => void): void
  endInput(): void
  /** Nothing more comes, and the command must not take what it got for the whole. */
  fail(error: HoldfastError): void
}

type Callback = (error?: Error | null) => void

/** As much as is sealed at a time: who writes more than one piece of 64 KiB before it waits for `drain` waits less often. */
const highWaterBytes = 256 * 1024

/** Pieces that are larger than this, on the average, cost more to be joined than the packets that it saves. */
const joinedBytes = 16 * 1024

/**
 * The remote command's standard input. A write is done, and its callback called, when its bytes were sent, which the
 * peer's window allows as the command reads.
 */
export class InputStream extends Writable {
  readonly #port: InputPort
  #writeDone: Callback | undefined
  #isOpen = false
  /** What waits until it is open: one write, or the end. */
  #held: (() => void) | undefined
  /** Bytes that the channel was given and that still count as this stream's. */
  #handedOver = 0
  /** Whether everything was handed over, its end too. */
  #isWhole = false
  readonly #sent = () => this.#finishWrite(null)

  constructor(port: InputPort) {
    super({ highWaterMark: highWaterBytes })
    this.#port = port
    // A failure must not end a program that does not listen; those that do hear it all the same.
    this.on('error', () => {})
  }

  /** Bytes that the program has written and that the channel has not been given. */
  get unsentBytes(): number {
    return this.writableLength - this.#handedOver
  }

  /** The command was asked for: from now on what is written goes out. */
  open(): void {
    this.#isOpen = true
    this.#held?.()
    this.#held = undefined
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#send([chunk], done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Callback): void {
    const pieces = chunks.map(({ chunk }) => chunk)
    const isSmall = lengthOf(pieces) < joinedBytes * pieces.length
    this.#send(isSmall ? [Buffer.concat(pieces)] : pieces.filter(({ length }) => length > 0), done)
  }

  override _final(done: Callback): void {
    this.#whenOpen(() => {
      this.#isWhole = true
      this.#port.endInput()
      done()
    })
  }

  /** The command must not wait for ever for what never comes. */
  override _destroy(error: Error | null, done: Callback): void {
    this.#held = undefined
    if (!this.#isWhole && error !== null) this.#port.fail(inputError(error))
    else this.#port.endInput()
    // The channel will not report what it never sent.
    this.#finishWrite(error ?? new Error('the command ended before it read this'))
    done(error)
  }

  /** @param pieces of which the last is not empty, unless it is the only one */
  #send(pieces: readonly Buffer[], done: Callback): void {
    this.#writeDone = done
    if (this.#isOpen) this.#handOver(pieces)
    else this.#held = () => this.#handOver(pieces)
  }

  #handOver(pieces: readonly Buffer[]): void {
    this.#handedOver = lengthOf(pieces)
    const last = pieces.length - 1
    for (const [index, piece] of pieces.entries()) this.#port.sendInput(piece, index === last ? this.#sent : ignore)
  }

  #whenOpen(send: () => void): void {
    if (this.#isOpen) send()
    else this.#held = send
  }

  /** Later, since it runs callbacks and `drain` listeners of the program, and this runs while packets are handled. */
  #finishWrite(error: Error | null): void {
    const done = this.#writeDone
    if (done === undefined) return
    this.#writeDone = undefined
    queueMicrotask(() => {
      this.#handedOver = 0
      done(error)
    })
  }
}

function lengthOf(pieces: readonly Buffer[]): number {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}

function ignore(): void {}

/** Whatever gave a command its input failed. */
export function inputError(cause: unknown): HoldfastError {
  return new HoldfastError('ERR_SSH_STDIN', `the input of the command failed: ${String(cause)}`, { cause })
}
