import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReceiveWindow } from '#src/connection/window.js'

const size = 2 * 1024 * 1024
const packet = 32 * 1024

/** What a window grants while its consumer takes packets at a steady pace: how many bytes, and how often. */
function grants(
  packets: number,
  everyMs: number,
  bytes = packet,
): { readonly granted: number; readonly times: number } {
  const window = new ReceiveWindow(size, 0)
  let granted = 0
  let times = 0
  for (let count = 1; count <= packets; count++) {
    assert.ok(window.received(bytes))
    const grant = window.consumed(bytes, count * everyMs)
    granted += grant
    if (grant > 0) times++
    assert.equal(window.left, size - count * bytes + granted)
  }
  return { granted, times }
}

test('a fast link is granted half a window at a time', () => {
  assert.deepEqual(grants(64, 0.1), { granted: size, times: 2 })
})

test('a long link is granted 128 KiB at a time, so that nearly all of the window is on its way', () => {
  assert.deepEqual(grants(64, 2), { granted: size, times: 16 })
})

test('a slow link is granted what was taken once a second', () => {
  assert.deepEqual(grants(20, 650), { granted: 20 * packet, times: 10 })
})

test('small talk is granted nothing', () => {
  assert.deepEqual(grants(100, 1500, 80), { granted: 0, times: 0 })
})

test('a peer that may send nothing at all is granted whatever was taken', () => {
  const window = new ReceiveWindow(1000, 0)
  assert.ok(window.received(1000))
  assert.ok(!window.received(1))
  assert.equal(window.consumed(1, 0), 1)
  assert.equal(window.left, 1)
})
