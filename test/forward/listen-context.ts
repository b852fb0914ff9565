import type { ListenContext } from '#src/forward/local-listener.js'
import { Deadlines } from '#src/liveness/deadlines.js'
import { Waits } from '#src/liveness/waits.js'
import { systemClock } from '#src/socket/scheduler.js'

/** What listening and dialing need of a connection, without one. */
export function listenContext() {
  const deadlines = new Deadlines()
  const { now } = systemClock
  const waits = new Waits({ now, lastTrafficAt: () => 0, errorDetails: () => ({}) }, deadlines)
  const port = { waits, deadlines, now, errorDetails: () => ({}) }
  return { port, signal: undefined, limitMs: 10_000 } satisfies ListenContext
}
