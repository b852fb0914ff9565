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
    super({ highWaterMark: 64 * 1024 })
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
    this.#send(chunk, done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Callback): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
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

  #send(data: Buffer, done: Callback): void {
    this.#writeDone = done
    if (this.#isOpen) this.#handOver(data)
    else this.#held = () => this.#handOver(data)
  }

  #handOver(data: Buffer): void {
    this.#handedOver = data.length
    this.#port.sendInput(data, this.#sent)
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

/** Whatever gave a command its input failed. */
export function inputError(cause: unknown): HoldfastError {
  return new HoldfastError('ERR_SSH_STDIN', `the input of the command failed: ${String(cause)}`, { cause })
}
