import type { InputPort } from './input.js'

/** What a session gives its program to read. */
export interface Input {
  /** Bytes that the channel has not been given. */
  readonly unsentBytes: number
  /** The command was asked for: from now on what is there goes out. */
  open(): void
  end(): void
  /** What did not go out never does, for this reason. */
  destroy(error?: Error): void
}

const none = Buffer.alloc(0)

/** Input that is there as a whole from the call on, most often none: a stream cost as much as all else of a command's start. */
export class GivenInput implements Input {
  readonly #port: InputPort
  #data: Buffer

  constructor(port: InputPort, data: Buffer) {
    this.#port = port
    this.#data = data
  }

  get unsentBytes(): number {
    return this.#data.length
  }

  open(): void {
    const data = this.#data
    this.#data = none
    if (data.length > 0) this.#port.sendInput(data, () => {})
    this.#port.endInput()
  }

  /** It has its end. */
  end(): void {}

  destroy(): void {
    this.#data = none
  }
}
