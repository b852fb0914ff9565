import { Deferred } from '../liveness/deferred.js'

/** Pieces of work, of which only so many are done at a time. Each that ends lets others look again, so nobody waits for ever. */
export class Turns {
  readonly #most: () => number
  readonly #waiting: Deferred<void>[] = []
  #running = 0

  /** @param most how many at present, one at least */
  constructor(most: () => number) {
    this.#most = most
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running >= this.#most()) await this.#turn()
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
      for (const turn of this.#waiting.splice(0)) turn.resolve()
    }
  }

  #turn(): Promise<void> {
    const turn = new Deferred<void>()
    this.#waiting.push(turn)
    return turn.promise
  }
}
