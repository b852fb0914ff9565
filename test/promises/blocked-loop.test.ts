/** Row 39 of the table of failures, for limits: a block that ends shortly before one leaves the peer time all the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { startScript } from './support/script.js'

leavesNothing()

test('no limit blames the peer for what the program’s own event loop was blocked', { timeout: 60_000 }, async (t) => {
  const relay = await network(t, await server(t))
  relay.delay({ ms: 100 })
  const script = startScript('blocked-loop', String(relay.port))
  const line = await script.line()
  const { code, stderr } = await script.ended
  assert.equal(code, 0, stderr)
  assert.deepEqual(
    JSON.parse(line),
    Array.from({ length: 6 }, () => 'came'),
  )
})
