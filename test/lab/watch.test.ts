import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RunWatch } from './watch.js'

test('times count from the fault, also those of before it', () => {
  const watch = new RunWatch()
  watch.event('early')
  watch.fault('it breaks')
  const zero = performance.now() - watch.since()
  watch.event('suspect', zero + 1801)
  watch.outcome({ kind: 'reported', ms: watch.since(zero + 3800), text: 'dead' })
  const { fault, events, outcome } = watch.sighting()
  assert.equal(fault, 'it breaks')
  assert.ok((events[0]?.ms ?? 1) <= 0)
  assert.deepEqual(events[1], { ms: 1801, text: 'suspect' })
  assert.deepEqual(outcome, { kind: 'reported', ms: 3800, text: 'dead' })
})

test('a run has one fault at most, and one outcome', () => {
  const watch = new RunWatch()
  assert.throws(() => watch.sighting(), /no outcome/)
  watch.fault('it breaks')
  assert.throws(() => watch.fault('again'), /a second fault/)
  watch.outcome({ kind: 'kept', text: 'lives on' })
  assert.throws(() => watch.outcome({ kind: 'kept', text: 'again' }), /a second outcome/)
})
