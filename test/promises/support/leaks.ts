/** What connections must not leave behind: waits and deadlines of the core, and what keeps this process running. */
import assert from 'node:assert/strict'
import { after, mock } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Deadlines } from '#src/liveness/deadlines.js'
import { Waits } from '#src/liveness/waits.js'

const graceMs = 3000

/** Fails the test file that calls it, if anything of its connections is left once its tests are over. */
export function leavesNothing(): void {
  const before = resources()
  // Every connection of this process waits by these two, and by nothing else.
  const started = mock.method(Waits.prototype, 'start')
  const added = mock.method(Deadlines.prototype, 'add')
  const left = () => ({
    waits: total(started.mock.calls.map((call) => call.this)),
    deadlines: total(added.mock.calls.map((call) => call.this)),
    resources: resources().filter((kind) => !before.includes(kind)),
  })
  after(async () => {
    const nothing = { waits: 0, deadlines: 0, resources: [] }
    for (const since = performance.now(); !isEqual(left(), nothing) && performance.now() - since < graceMs; ) {
      await pause(10)
    }
    assert.deepEqual(left(), nothing)
  })
}

function total(users: readonly unknown[]): number {
  let size = 0
  for (const user of new Set(users)) if (user instanceof Waits || user instanceof Deadlines) size += user.size
  return size
}

function resources(): readonly string[] {
  return process.getActiveResourcesInfo()
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
