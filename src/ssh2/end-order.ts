/**
 * In which order the end of a connection is told. All that came before it is handed out first, however late the program
 * gets hold of the stream that it is for; what fails by the end comes after the `close` of the client, as with ssh2.
 */
export class EndOrder {
  #state: 'alive' | 'over' | 'told' = 'alive'
  readonly #afterwards: (() => void)[] = []

  /** @param isUnderWay whether streams may be on their way to the program */
  over(tell: () => void, isUnderWay: boolean): void {
    this.#state = 'over'
    const told = () => {
      this.#state = 'told'
      tell()
      for (const work of this.#afterwards.splice(0)) work()
    }
    // A stream is let go in the turn after that in which its callback runs.
    if (isUnderWay) setImmediate(() => setImmediate(told))
    else told()
  }

  /** Once the end has been told, where the connection is over; else at once. */
  after(work: () => void): void {
    if (this.#state === 'over') this.#afterwards.push(work)
    else work()
  }
}
