import type { Output } from './output.js'

/** Who takes the output of a subsystem at once, while packets are read. Must not throw. */
export interface Receiver {
  data(bytes: Buffer): void
  /** Nothing more comes. May be told more than once. */
  end(): void
  /** The same, for this reason. */
  fail(cause: Error): void
  /** What the subsystem is given to read has begun to wait until it reads. */
  stalled?(): void
}

/** Output that nobody has to wait for: the peer may send on as soon as it came. */
export class DirectOutput implements Output {
  readonly unread = 0
  readonly #receiver: Receiver
  readonly #consumed: (bytes: number) => void

  constructor(receiver: Receiver, consumed: (bytes: number) => void) {
    this.#receiver = receiver
    this.#consumed = consumed
  }

  deliver(bytes: Buffer): void {
    this.#receiver.data(bytes)
    this.#consumed(bytes.length)
  }

  end(): void {
    this.#receiver.end()
  }

  fail(cause: Error): void {
    this.#receiver.fail(cause)
  }
}
