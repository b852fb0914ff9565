import { randomBytes } from 'node:crypto'
import type { Environment } from '../liveness/environment.js'

/** Drawn at once: a system call for the few bytes of each packet's padding costs more than half of sealing it. */
const poolBytes = 4096
const largest = 64

/** As a global it is found by a getter each time. */
const { performance } = globalThis

let pool = Buffer.alloc(0)
let used = 0

/** What a connection on this machine gets of it. One pool of random bytes serves all; no byte of it is used twice. */
export const nodeEnvironment: Environment = {
  now: () => performance.now(),
  randomBytes(size) {
    if (size > largest) return randomBytes(size)
    if (used + size > pool.length) {
      pool = randomBytes(poolBytes)
      used = 0
    }
    used += size
    return new Uint8Array(pool.buffer, pool.byteOffset + used - size, size)
  },
}

/** By itself a third of what `eventLoopUtilization()` costs, and each wait asks for it. */
const { nodeTiming } = performance

/** Milliseconds until now in which the event loop of this thread was not waiting for input: it ran callbacks, or one that blocked it. */
export function busyMs(now: number): number {
  return now - nodeTiming.idleTime
}
