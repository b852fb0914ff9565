/** What ends when nobody wants it any more. */
export interface Cancellable {
  abort(reason: unknown): void
}

/**
 * Ends the waits of one call, as an AbortSignal does for a program, without the event target and its listeners: with
 * those a command took a tenth longer.
 */
export class Cancel {
  #aborted = false
  #reason: unknown
  readonly #waiting: Cancellable[] = []

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  abort(): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = new DOMException('This operation was aborted', 'AbortError')
    for (const waiting of this.#waiting.splice(0)) waiting.abort(this.#reason)
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason
  }

  add(waiting: Cancellable): void {
    this.#waiting.push(waiting)
  }

  remove(waiting: Cancellable): void {
    const index = this.#waiting.indexOf(waiting)
    if (index !== -1) this.#waiting.splice(index, 1)
  }
}
