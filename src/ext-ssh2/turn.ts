import { nextTurn } from '../keys/next-turn.js'

export { nextTurn }

/** How many calls in a row may be answered by what is there already. */
const callsPerTurn = 100

let calls = 0

/**
 * Lets timers and sockets have their turn now and then. A program that loops over what need not be waited for would else stop
 * its own process, the keepalive with it.
 */
export async function turnSometimes(): Promise<void> {
  calls++
  if (calls % callsPerTurn === 0) await nextTurn()
}
