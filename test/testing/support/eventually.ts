import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

/** For what has no event: fails when it did not come true within ten seconds. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (const begun = performance.now(); performance.now() - begun < 10_000; ) {
    if (holds()) return
    await pause(5)
  }
  assert.fail(`within 10 s it did not come true that ${what}`)
}
