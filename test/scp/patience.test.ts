import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveGet, type ScpOptions } from '#src/scp/options.js'

function patience(options: ScpOptions, idleBoundMs?: number): number {
  return resolveGet(options, { idleLimitMs: 15_000, idleBoundMs }).idleLimitMs
}

test('a transfer can be less patient than it is bound to be, and no more', () => {
  assert.equal(patience({}), 15_000)
  assert.equal(patience({ idleTimeout: '1h' }), 3_600_000)
  assert.equal(patience({ idleTimeout: '1h' }, 20_000), 20_000)
  assert.equal(patience({ idleTimeout: '1s' }, 20_000), 1000)
  assert.equal(patience({}, 5000), 5000)
})
