import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPromises } from '../../demo/show/promises.js'
import type { Cell } from '../../demo/show/scene.js'

/** Whether Holdfast's cell keeps a promise of at most 4 s. */
function kept(cell: Cell | undefined, absentMs = 0): boolean | undefined {
  const row = { label: '', promise: 'within 4 s', atMostMs: 4000 }
  const others = { text: '1.00 s', good: true, ms: 1000 }
  return checkPromises([{ number: '1', row, cells: [others, others, cell] }], absentMs)[0]?.kept
}

test('a promise is kept in time, and broken by what comes too late, fails, or was not measured', () => {
  assert.equal(kept({ text: '3.90 s', good: true, ms: 3900 }), true)
  assert.equal(kept({ text: '5.10 s', good: true, ms: 5100 }), false)
  assert.equal(kept({ text: '0.10 s', good: false, ms: 100 }), false)
  assert.equal(kept({ text: 'not within 15 s', good: false }), false)
  assert.equal(kept(undefined), false)
})

test('the time in which this process could not run is not held against a promise', () => {
  assert.equal(kept({ text: '6.10 s', good: true, ms: 6100 }, 500), true)
  assert.equal(kept({ text: '6.90 s', good: true, ms: 6900 }, 500), false)
})

test('a promise without a time is kept by what is good', () => {
  const row = { label: '', promise: 'the process is gone' }
  const gone = [{ number: '3', row, cells: [{ text: 'gone', good: true }] }]
  assert.deepEqual(checkPromises(gone, 0), [{ promise: 'the process is gone', measured: 'gone', kept: true }])
})
