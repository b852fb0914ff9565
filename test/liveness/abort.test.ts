import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import process from 'node:process'
import { test } from 'node:test'
import { AbortListeners } from '#src/liveness/abort.js'

test('however many wait, a signal has one listener, and none once nobody waits', () => {
  const listeners = new AbortListeners()
  const { signal } = new AbortController()
  const takeBack = Array.from({ length: 100 }, () => listeners.add(signal, () => {}))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  for (const back of takeBack) back()
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('an abort calls everyone once, with the reason, and lets the signal go', () => {
  const listeners = new AbortListeners()
  const controller = new AbortController()
  const reasons: unknown[] = []
  const takeBack = [1, 2, 3].map(() => listeners.add(controller.signal, (reason) => reasons.push(reason)))
  controller.abort('enough')
  for (const back of takeBack) back()
  assert.deepEqual(reasons, ['enough', 'enough', 'enough'])
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
})

test('what is taken back during the abort is not called', () => {
  const listeners = new AbortListeners()
  const controller = new AbortController()
  const called: number[] = []
  listeners.add(controller.signal, () => {
    called.push(1)
    takeBack()
  })
  const takeBack = listeners.add(controller.signal, () => called.push(2))
  controller.abort()
  assert.deepEqual(called, [1])
})

test('one callback that throws keeps no other from being called, and surfaces', async (t) => {
  const uncaught = new Promise<unknown>((resolve) => process.setUncaughtExceptionCaptureCallback(resolve))
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  const listeners = new AbortListeners()
  const controller = new AbortController()
  let called = false
  listeners.add(controller.signal, () => {
    throw new Error('of a listener')
  })
  listeners.add(controller.signal, () => {
    called = true
  })
  controller.abort()
  assert.ok(called)
  assert.match(String(await uncaught), /of a listener/)
})
