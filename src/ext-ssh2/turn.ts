import { Deferred } from '../liveness/deferred.js'

/** How many calls in a row may be answered by what is there already. */
const callsPerTurn = 100

let calls = 0

/**
 * Lets timers and sockets have their turn. A program that loops over what need not be waited for would else stop its own
 * process, the keepalive with it.
 */
export function nextTurn(): Promise<void> {
  const turn = new Deferred<void>()
  setImmediate(() => turn.resolve())
  return turn.promise
}

/** The same now and then. */
export async function turnSometimes(): Promise<void> {
  calls++
  if (calls % callsPerTurn === 0) await nextTurn()
}
