import type { Wait, Waits } from '../liveness/waits.js'

export interface ClosingPort {
  /** Everything that the program wrote has been taken by the kernel. */
  isFlushed(): boolean
  /** Sends DISCONNECT and FIN. */
  sayGoodbye(): void
  /** The kernel has taken the goodbye too, and the peer has nothing left to read but that. */
  isReadByPeer(): boolean
  /** Nothing more is waited for. */
  giveUp(how: 'farewell' | 'reset'): void
}

/**
 * How a connection ends in order: flush, goodbye, and then the peer's own FIN is waited for, since closing a socket with
 * unread input resets it, and a reset takes from the peer what it has not read. Where that is the goodbye alone, a round
 * trip is saved. All of it within one limit.
 */
export class Closing {
  readonly #port: ClosingPort
  readonly #waits: Waits
  #wait: Wait<void> | undefined
  #state: 'open' | 'flushing' | 'leaving' | 'over' = 'open'

  constructor(waits: Waits, port: ClosingPort) {
    this.#waits = waits
    this.#port = port
  }

  /** After our goodbye nothing of the peer is listened to. */
  get isSilent(): boolean {
    return this.#state === 'leaving' || this.#state === 'over'
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** Resolves once the connection is over. */
  get finished(): Promise<void> {
    return this.#wait?.promise.catch(() => {}) ?? Promise.resolve()
  }

  begin(limitMs: number): void {
    this.#state = 'flushing'
    this.#wait = this.#waits.start<void>({ limit: 'close', limitMs, clock: 'call', phase: 'close', what: 'the close' })
    // Only the limit rejects it, or the teardown, to which giving up makes no difference.
    this.#wait.promise.catch(() => this.#port.giveUp('reset'))
    this.advance()
  }

  /** Something was flushed. */
  advance(): void {
    if (this.#state === 'leaving' && this.#port.isReadByPeer()) this.#port.giveUp('farewell')
    if (this.#state !== 'flushing' || !this.#port.isFlushed()) return
    this.#state = 'leaving'
    this.#port.sayGoodbye()
  }

  end(): void {
    this.#state = 'over'
  }

  /** Everybody else has been told. */
  finish(): void {
    this.#wait?.resolve()
  }
}
