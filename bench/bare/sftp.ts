/** SFTP 3 (draft-ietf-secsh-filexfer-02) with a server that answers in the order in which it is asked, as OpenSSH's does. */
import { type Channel, requestOf } from './channel.js'
import type { BareConnection } from './connection.js'

/** The most that OpenSSH takes. */
export const requestBytes = 255 * 1024

export const messageType = {
  INIT: 1,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  FSTAT: 8,
  OPENDIR: 11,
  READDIR: 12,
  MKDIR: 14,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
} as const

/** Who gets an answer. */
export interface Asker {
  /** A piece of what was read, as it came; `isLast` in its packet, whose memory is nobody's after that. */
  data?(piece: Buffer, isLast: boolean): void
  /** All of any other answer, or of what was read so many bytes. */
  done(type: number, body: Buffer, bytes: number): void
}

const none = Buffer.alloc(0)
/** What each answer has at least: length, type, id, and a number. */
const headBytes = 13
/** So many that were answered are let go of together. */
const mostAnswered = 1024

export class Sftp {
  readonly #connection: BareConnection
  readonly #channel: Channel
  readonly #askers: Asker[] = []
  #first = 0
  #partial: Buffer = none
  #dataBytes = 0
  #dataLeft = 0
  #closed: () => void = () => {}

  static start(connection: BareConnection): Promise<Sftp> {
    return new Promise((resolve) => {
      const sftp: Sftp = new Sftp(connection, () => resolve(sftp))
    })
  }

  private constructor(connection: BareConnection, ready: () => void) {
    this.#connection = connection
    this.#channel = connection.open(
      { fields: requestOf('subsystem', 'sftp'), hasInput: true },
      (bytes) => this.#receive(bytes),
      () => this.#closed(),
    )
    this.#askers.push({ done: ready })
    this.#channel.write(Buffer.from([0, 0, 0, 5, messageType.INIT, 0, 0, 0, 3]))
  }

  /** Whether the channel has sent all that it was given. */
  set drained(drained: () => void) {
    this.#channel.drained = drained
  }

  get isDrained(): boolean {
    return this.#channel.isDrained
  }

  wake(): void {
    this.#connection.wake(this.#channel)
  }

  /** @param text a path or a handle, which each request begins with @param data what follows its numbers, not copied */
  ask(asker: Asker, type: number, text: Buffer | string, numbers: readonly number[], data: Buffer = none): void {
    this.#askers.push(asker)
    const length = typeof text === 'string' ? Buffer.byteLength(text) : text.length
    const head = Buffer.allocUnsafe(headBytes + length + 4 * numbers.length)
    head.writeUInt32BE(head.length - 4 + data.length, 0)
    head[4] = type
    // All have the same id: answers come in order.
    head.writeUInt32BE(0, 5)
    head.writeUInt32BE(length, 9)
    if (typeof text === 'string') head.write(text, headBytes)
    else text.copy(head, headBytes)
    let at = headBytes + length
    for (const number of numbers) at = head.writeUInt32BE(number, at)
    this.#channel.write(head)
    if (data.length > 0) this.#channel.write(data)
    this.#connection.wake(this.#channel)
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closed = resolve
      this.#channel.isEnding = true
      this.wake()
    })
  }

  #receive(bytes: Buffer): void {
    const all = this.#partial.length === 0 ? bytes : Buffer.concat([this.#partial, bytes])
    this.#partial = none
    let at = 0
    while (at < all.length) {
      const next = this.#dataLeft > 0 ? this.#takeData(all, at) : this.#takeAnswer(all, at)
      if (next === at) {
        this.#partial = Buffer.from(all.subarray(at))
        return
      }
      at = next
    }
  }

  #takeData(all: Buffer, at: number): number {
    const end = Math.min(all.length, at + this.#dataLeft)
    this.#dataLeft -= end - at
    this.#askers[this.#first]?.data?.(all.subarray(at, end), end === all.length)
    if (this.#dataLeft === 0) this.#next().done(messageType.DATA, none, this.#dataBytes)
    return end
  }

  /** @returns where it ends; where it begins if it is not whole */
  #takeAnswer(all: Buffer, at: number): number {
    if (all.length - at < headBytes) return at
    if (all[at + 4] !== messageType.DATA) return this.#takeWhole(all, at)
    this.#dataBytes = this.#dataLeft = all.readUInt32BE(at + 9)
    return at + headBytes
  }

  #takeWhole(all: Buffer, at: number): number {
    const end = at + 4 + all.readUInt32BE(at)
    if (all.length < end) return at
    this.#next().done(all[at + 4] ?? 0, all.subarray(at + 9, end), 0)
    return end
  }

  #next(): Asker {
    const asker = this.#askers[this.#first++]
    if (asker === undefined) throw new Error('an answer came that nobody waits for')
    if (this.#first === mostAnswered) {
      this.#askers.splice(0, mostAnswered)
      this.#first = 0
    }
    return asker
  }
}
