import { mock } from 'node:test'

/**
 * The clock of this process, by which every limit of a client here runs. A test that waits for something else to come about,
 * as for a server to start a command, keeps it from going on meanwhile: so limits do not hang on the speed of the machine.
 */
export interface HeldClock {
  /**
   * Lets the clock go on for so long, in milliseconds, and no further until the work is done. Several may hold it at once.
   * @returns what the work gives
   */
  holdAfter<T>(milliseconds: number, work: () => Promise<T>): Promise<T>
}

/** Puts the clock in the place of that of this process, until its tests are over. */
export function heldClock(): HeldClock {
  const goesOn = performance.now.bind(performance)
  const stops = new Set<{ readonly at: number }>()
  let seen = goesOn()
  let now = seen
  mock.method(performance, 'now', () => {
    const before = seen
    seen = goesOn()
    now = Math.max(now, Math.min(now + seen - before, ...[...stops].map(({ at }) => at)))
    return now
  })
  return {
    async holdAfter(milliseconds, work) {
      const stop = { at: performance.now() + milliseconds }
      stops.add(stop)
      try {
        return await work()
      } finally {
        // What passed meanwhile has passed for nobody.
        performance.now()
        stops.delete(stop)
      }
    },
  }
}
