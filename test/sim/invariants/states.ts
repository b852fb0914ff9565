import type { LivenessState } from '#src/liveness/port.js'
import { heardSlackMs, type Invariant, type Run } from '../run.js'

/**
 * The states are told in order: `suspect` after two intervals of silence at the earliest (docs/liveness.md), `alive` with
 * the next byte, `dead` once and last.
 */
export function statesAreInOrder(): Invariant {
  const watch = new StateWatch()
  return { name: 'states of liveness are told in order', check: (run) => watch.check(run) }
}

class StateWatch {
  #seen = 0
  #state: LivenessState = 'alive'

  check({ client }: Run): string | undefined {
    const { changes } = client
    while (this.#seen < changes.length) {
      const { change, silentMs } = changes[this.#seen++] ?? {}
      if (change === undefined || silentMs === undefined) return undefined
      const { from, to } = change
      if (this.#state === 'dead') return `${to} was told after dead`
      if (from !== this.#state || from === to) return `it went from ${from} to ${to}, and had been ${this.#state}`
      this.#state = to
      const { interval } = client.connection.keepalive.settings
      if (to === 'suspect' && interval !== false && silentMs < 2 * interval - heardSlackMs)
        return `the peer is suspect after ${silentMs} ms`
    }
    return undefined
  }
}
