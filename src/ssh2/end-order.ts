/** What is told of the end of a connection, and when. */
export interface End {
  /** Whether streams may be on their way to the program. */
  readonly isUnderWay: boolean
  /** Why it ended. */
  failed(): void
  /** Calls back once its socket is closed, within a limit. */
  whenGone(gone: () => void): void
  /** That it has ended. */
  ended(): void
}

/**
 * In which order the end of a connection is told. All that came before it is handed out first, however late the program
 * gets hold of the stream that it is for; what fails by the end comes after the `close` of the client, as with ssh2.
 */
export class EndOrder {
  #state: 'alive' | 'over' | 'told' = 'alive'
  readonly #afterwards: (() => void)[] = []

  over(end: End): void {
    this.#state = 'over'
    const told = () => {
      end.failed()
      end.whenGone(() => this.#told(end))
    }
    // A stream is let go in the turn after that in which its callback runs.
    if (end.isUnderWay) setImmediate(() => setImmediate(told))
    else told()
  }

  /** Once the end has been told, where the connection is over; else at once. */
  after(work: () => void): void {
    if (this.#state === 'over') this.#afterwards.push(work)
    else work()
  }

  #told(end: End): void {
    this.#state = 'told'
    end.ended()
    for (const work of this.#afterwards.splice(0)) work()
  }
}
