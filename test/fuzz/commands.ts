import { defaultLimits } from '#src/client/limits.js'
import type { Command } from '#src/session/command.js'
import { Sessions } from '#src/session/sessions.js'
import type { CoreEnd } from '../support/core/core-end.js'
import type { Random } from '../support/core/random.js'
import type { SimulatedTime } from '../support/core/simulated-time.js'
import { dataAt } from './checked-sink.js'
import type { Ledger } from './ledger.js'

/** Settled at most so long after the limit of its time. */
const afterTimeoutMs = 3000

/** The commands of the program: run to their end, or started, fed, read, signalled and thrown away. */
export class Commands {
  /** How many that ended well did not write what they had read. */
  altered = 0
  readonly #time: SimulatedTime
  readonly #ledger: Ledger
  readonly #random: Random
  readonly #sessions: Sessions

  constructor(time: SimulatedTime, client: CoreEnd, ledger: Ledger, random: Random) {
    this.#time = time
    this.#ledger = ledger
    this.#random = random
    this.#sessions = new Sessions(client.connection, {
      openLimit: defaultLimits.channelOpen,
      limits: defaultLimits,
      username: 'deploy',
    })
  }

  act(): void {
    if (this.#random.once(2)) void this.#exec()
    else void this.#spawn()
  }

  async #exec(): Promise<void> {
    const input = dataAt(0, this.#random.below(this.#random.pick([1, 1000, 100_000])))
    const timeout = this.#timeout()
    const running = this.#sessions.exec('cat', {
      ...this.#options(timeout),
      stdin: input,
      encoding: 'buffer',
      check: this.#random.once(3),
      maxBuffer: this.#random.pick([100, 100_000_000]),
    })
    try {
      const { stdout } = await this.#ledger.track('exec()', timeout + afterTimeoutMs, running)
      if (!stdout.equals(input)) this.altered++
    } catch {
      // What may go wrong is for the ledger to say.
    }
  }

  async #spawn(): Promise<void> {
    const timeout = this.#timeout()
    const starting = this.#sessions.spawn('cat', this.#options(timeout))
    try {
      const command = await this.#ledger.track('spawn()', timeout + afterTimeoutMs, starting)
      this.#ledger.track('the end of a command', timeout + afterTimeoutMs, command.exited).catch(() => {})
      for (let left = this.#random.below(6); left > 0; left--) this.#later(() => this.#use(command))
    } catch {
      // As above.
    }
  }

  #use(command: Command): void {
    this.#random.pick([
      () => command.stdin.write(dataAt(0, this.#random.below(50_000))),
      () => command.stdin.end(),
      () => command.stdin.destroy(),
      () => command.stdout.resume(),
      () => command.stdout.destroy(),
      () => command.stderr.resume(),
      () => command.kill(),
      () => void command[Symbol.asyncDispose](),
    ])()
  }

  #options(timeout: number) {
    return {
      timeout,
      idleTimeout: this.#random.once(4) ? 1 + this.#random.below(5000) : false,
      firstByteTimeout: this.#random.once(4) ? 1 + this.#random.below(5000) : false,
      stdinStall: this.#random.once(4) ? 1 + this.#random.below(5000) : false,
      env: this.#random.once(4) ? { LANG: 'C' } : {},
      pty: this.#random.once(4),
    } as const
  }

  #timeout(): number {
    return 1 + this.#random.below(this.#random.pick([100, 5000, 60_000]))
  }

  #later(happen: () => void): void {
    this.#time.after(this.#random.below(2000), () => this.#ledger.guard('a use of a command', happen))
  }
}
