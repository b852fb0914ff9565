import { fieldsOf } from './fields.js'
import { frame, frameView, payloadAt } from './frame.js'

/** What Holdfast starts with, and adjusts at the half. */
export const windowBytes = 2 * 1024 * 1024
export const maxPacket = 32 * 1024

const dataAt = payloadAt + 9

export interface Request {
  /** Of SSH_MSG_CHANNEL_REQUEST, behind the number of the channel. */
  readonly fields: Buffer
  /** Whether anything is written to it. */
  readonly hasInput: boolean
}

export function requestOf(type: 'exec' | 'subsystem', what: string): Buffer {
  return fieldsOf(type, true, what)
}

/** What a connection needs to know of a channel; it opens and closes by itself. */
export class Channel {
  readonly request: Request
  readonly received: (bytes: Buffer) => void
  readonly closed: () => void
  /** Asked whenever there is room for more than was written. */
  drained: () => void = () => {}
  remoteId = -1
  window = 0
  /** Bytes that came since the window was adjusted. */
  taken = 0
  isEnding: boolean
  readonly #chunks: Buffer[] = []
  /** How much of the first one is sent. */
  #sent = 0

  constructor(request: Request, received: (bytes: Buffer) => void, closed: () => void) {
    this.request = request
    this.received = received
    this.closed = closed
    this.isEnding = !request.hasInput
  }

  /** To be sent as windows allow; the memory may be used again once `drained` is called. */
  write(chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  get isDrained(): boolean {
    return this.#chunks.length === 0
  }

  /** Puts as much into the frame as one packet takes. @returns where it ends */
  fillFrame(): number {
    const room = Math.min(maxPacket, this.window)
    let size = 0
    let first: Buffer | undefined
    while (size < room && (first = this.#chunks[0]) !== undefined) {
      const copied = first.copy(frame, dataAt + size, this.#sent, this.#sent + room - size)
      size += copied
      this.#sent += copied
      if (this.#sent < first.length) break
      this.#chunks.shift()
      this.#sent = 0
    }
    this.window -= size
    frameView.setUint8(payloadAt, 94)
    frameView.setUint32(payloadAt + 1, this.remoteId)
    frameView.setUint32(payloadAt + 5, size)
    return dataAt + size
  }
}
