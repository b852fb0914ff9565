import assert from 'node:assert/strict'
import { processorMs } from './processor-time.js'

const items = 160_000
const shortLength = 1000
/** Equal at best. Where each item taken moves all that are left, the long queue costs fifty times as much and more. */
const mostRatio = 10

/** Holds that to empty one long queue costs no more than to empty short ones that hold as many items together. */
export function costsByItemsAlone<Q>(filled: (length: number) => Q, empty: (queue: Q) => void): void {
  // In turns, and more than once: what the engine compiles or collects meanwhile falls on both.
  const spent = { short: 0, long: 0 }
  for (let round = 0; round < 3; round++) {
    const short = Array.from({ length: items / shortLength }, () => filled(shortLength))
    spent.short += processorMs(() => short.forEach(empty))
    const long = filled(items)
    spent.long += processorMs(() => empty(long))
  }
  const { short, long } = spent
  assert.ok(
    long <= mostRatio * short,
    `${Math.round(long)} ms of processor time, of short queues ${Math.round(short)} ms`,
  )
}
