import type { Payload } from './payload.js'
import type { Question } from './question.js'
import { Stretches } from './stretches.js'

const number = { adjust: 93, data: 94, extendedData: 95, eof: 96, close: 97, request: 98 } as const

/** What passed on one channel of the client's, as its kernel saw it. */
export class ChannelFacts {
  readonly openedAt: number
  /** Since the last sign of the command: output, its end, a status, a window (docs of `idleTimeout`). */
  readonly quiet = new Stretches()
  /** What the command on it is to be given. */
  inputBytes = 0
  /** While the peer's window lets no more of the input through, and nothing moves. */
  readonly shut = new Stretches()
  firstByteAt: number | undefined
  firstSignAt: number | undefined
  #sentBytes = 0
  /** When the client first asked for a signal. */
  signalledAt: number | undefined
  closedAt: number | undefined
  /** Requests that wait for their reply, in line. */
  readonly asked: Question[] = []
  #window = 0

  constructor(now: number) {
    this.openedAt = now
    this.quiet.begin(now)
  }

  confirmed(window: number, now: number): void {
    this.#move(window, now)
  }

  startedCommand(inputBytes: number): void {
    this.inputBytes = inputBytes
  }

  sentData(bytes: number, now: number): void {
    this.#sentBytes += bytes
    this.#move(-bytes, now)
  }

  sentRequest(type: string, now: number): void {
    if (type === 'signal') this.signalledAt ??= now
  }

  closed(now: number): void {
    this.closedAt ??= now
  }

  /** @param message whose recipient was read */
  heard(message: Payload, now: number): void {
    switch (message.number) {
      case number.adjust:
        this.#move(message.uint32(), now)
        return this.#sign(now)
      case number.data:
        return this.#output(message.uint32(), now)
      case number.extendedData:
        message.uint32()
        return this.#output(message.uint32(), now)
      case number.eof:
        return this.#sign(now)
      case number.close:
        this.closed(now)
        return
      case number.request:
        if (message.text().startsWith('exit-')) this.#sign(now)
    }
  }

  #output(bytes: number, now: number): void {
    if (bytes === 0) return
    this.firstByteAt ??= now
    this.#sign(now)
  }

  #sign(now: number): void {
    this.firstSignAt ??= now
    this.quiet.end(now)
    this.quiet.begin(now)
  }

  #move(bytes: number, now: number): void {
    this.#window += bytes
    this.shut.end(now)
    if (this.#window === 0 && this.#sentBytes < this.inputBytes) this.shut.begin(now)
  }
}
