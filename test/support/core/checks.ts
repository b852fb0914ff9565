import assert from 'node:assert/strict'
import type { CoreEnd } from './core-end.js'

/** Once a connection is over, nothing of it waits, and nothing of it would wake the process. */
export function nothingLeft(end: CoreEnd): void {
  assert.ok(end.cause !== undefined, 'the connection is not over')
  assert.deepEqual(end.leftovers, { deadlines: 0, waits: 0, channels: 0 })
}

/** The code of why a connection ended; undefined while it lives. */
export function endedBy(end: CoreEnd): string | undefined {
  return end.cause?.code
}
