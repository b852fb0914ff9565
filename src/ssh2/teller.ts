import { EventEmitter } from 'node:events'
import { rethrow } from './callbacks.js'
import { ssh2Error } from './errors.js'

/** Tells the listeners of a client. As with ssh2, what they throw is an `error` that ends the connection, or else uncaught. */
export class Teller {
  readonly #client: EventEmitter
  readonly #end: () => void
  #isTellingError = false

  constructor(client: EventEmitter, end: () => void) {
    this.#client = client
    this.#end = end
  }

  hasListeners(event: string): boolean {
    return EventEmitter.prototype.listenerCount.call(this.#client, event) > 0
  }

  /** @returns whether there were any listeners */
  tell(event: string, ...args: readonly unknown[]): boolean {
    const hasListeners = this.hasListeners(event)
    this.guard(() => void EventEmitter.prototype.emit.call(this.#client, event, ...args))
    return hasListeners
  }

  /** Runs what may call functions of the program. */
  guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      const isHeard = this.hasListeners('error') && !this.#isTellingError
      if (isHeard) this.#tellError(error)
      else queueMicrotask(() => rethrow(error))
    }
  }

  #tellError(error: unknown): void {
    this.#isTellingError = true
    try {
      this.tell('error', error instanceof Error ? error : ssh2Error(String(error)))
    } finally {
      this.#isTellingError = false
    }
    this.#end()
  }
}
