import type { Session } from './session.js'

/**
 * What was started on one connection and may still run, in the order in which it was asked for. An sshd handles a
 * connection's requests one by one, and starts one child for each: so this is also the order of its children.
 */
export class Runs {
  readonly #order: Session[] = []

  /** It is asked for now. */
  started(session: Session): void {
    this.#order.push(session)
  }

  /** The server said that it ended, or that it never began. */
  ended(session: Session): void {
    const index = this.#order.indexOf(session)
    if (index !== -1) this.#order.splice(index, 1)
  }

  /** Those that were asked for before this one. */
  before(session: Session): readonly Session[] {
    return this.#order.slice(0, Math.max(0, this.#order.indexOf(session)))
  }
}
