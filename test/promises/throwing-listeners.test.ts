/** Row 40 of the table of failures: what a program's listener throws surfaces, and keeps nothing from being settled. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startScript } from './support/script.js'

test('a listener that throws harms nothing of ours, and its exception surfaces', { timeout: 30_000 }, async () => {
  const script = startScript('throwing-listeners')
  const line = await script.line()
  const { code, stderr } = await script.ended
  assert.equal(code, 0, stderr)
  assert.deepEqual(JSON.parse(line), {
    stdout: 'still here\n',
    outcomes: ['rejected', 'rejected', 'rejected', 'rejected'],
    reason: 'ERR_SSH_PEER_DEAD',
    uncaught: ['in close', 'in data', 'in error', 'in liveness'],
  })
})
