import { Deferred } from '../liveness/deferred.js'

/** Lets timers and sockets have their turn, where a loop need not wait for anything. */
export function nextTurn(): Promise<void> {
  const turn = new Deferred<void>()
  setImmediate(() => turn.resolve())
  return turn.promise
}
