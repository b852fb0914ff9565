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
    resources: grown(before, resources()),
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

/** How many there are of each kind of thing that keeps this process running. */
function resources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** What there is more of than before, as `TCPSocketWrap: 1`. */
function grown(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): readonly string[] {
  return [...now]
    .map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)] as const)
    .filter(([, more]) => more > 0)
    .map(([kind, more]) => `${kind}: ${more}`)
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
