import type { ProcessHelper } from './process-helper.js'
import type { Runs } from './runs.js'
import type { Session } from './session.js'

interface Shared {
  readonly helper: ProcessHelper
  /** Resolves with why it is of no use, or undefined. */
  readonly opened: Promise<string | undefined>
  users: number
}

export interface UseLimits {
  /** How long it may take until the helper is there, in milliseconds. */
  readonly openMs: number
  /** Milliseconds until nothing is waited for any more. */
  readonly timeLeft: () => number
}

/** How many that ran in silence are enough: each may have been a forced command. */
const maxSilent = 2

/** How long to wait for the end of a helper that nobody uses any more. */
const closeMs = 500

/** The second session of a connection: one for all commands that are to be ended at the same time. */
export class ProcessHelpers {
  readonly #make: () => ProcessHelper
  readonly #runs: Runs
  #shared: Shared | undefined
  /** Why there is no use in trying again. */
  #useless: string | undefined
  #silent = 0

  constructor(runs: Runs, make: () => ProcessHelper) {
    this.#runs = runs
    this.#make = make
  }

  /**
   * Lends the helper, and closes it after its last user. Never rejects unless `work` does.
   * @param work gets the helper, or a sentence that says why there is none
   */
  async use<T>(
    session: Session,
    { openMs, timeLeft }: UseLimits,
    work: (helper: ProcessHelper | string) => Promise<T>,
  ): Promise<T> {
    if (this.#useless !== undefined) return work(this.#useless)
    const shared = this.#shareFor(session, openMs)
    shared.users++
    try {
      const problem = await shared.opened
      return await work(problem ?? shared.helper)
    } finally {
      shared.users--
      if (shared.users === 0) await this.#release(shared, Math.min(closeMs, timeLeft()))
    }
  }

  /** It can tell only what was asked for before it. */
  #shareFor(session: Session, limitMs: number): Shared {
    const current = this.#shared
    if (current !== undefined && this.#sees(current.helper, session)) return current
    const helper = this.#make()
    const shared = { helper, opened: this.#open(helper, limitMs), users: 0 }
    this.#shared = shared
    return shared
  }

  /** One that is still being opened will be asked for after everything that was started until now. */
  #sees({ session: helper }: ProcessHelper, session: Session): boolean {
    return helper.startup.stage === 'opening' || this.#runs.before(helper).includes(session)
  }

  /** What ran instead of our script must not run once more for every command. */
  async #open(helper: ProcessHelper, limitMs: number): Promise<string | undefined> {
    const problem = await helper.open(limitMs)
    if (helper.isSilent) this.#silent++
    if (helper.ranSomethingElse || this.#silent >= maxSilent) this.#useless = problem
    return problem
  }

  /** Whoever looks at the server when a call has ended finds nothing of ours there, unless that takes long. */
  async #release(shared: Shared, limitMs: number): Promise<void> {
    if (this.#shared === shared) this.#shared = undefined
    await shared.helper.close(limitMs)
  }
}
