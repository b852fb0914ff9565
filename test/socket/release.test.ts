import assert from 'node:assert/strict'
import { test } from 'node:test'
import { release } from '#src/socket/release.js'

const canRelease = 'transfer' in ArrayBuffer.prototype

test('memory that a buffer has for itself is given back, where Node can do it', () => {
  const buffer = Buffer.alloc(32 * 1024, 1)
  const part = buffer.subarray(9)
  release(part)
  assert.equal(buffer.length, canRelease ? 0 : 32 * 1024)
})

test('memory that others may use too is left alone', () => {
  const shared = Buffer.alloc(64 * 1024, 1)
  release(shared.subarray(0, 32 * 1024))
  assert.equal(shared.length, 64 * 1024)

  // Until Node's pool was used up more than once, whatever size it has.
  const pooled = Array.from({ length: 200 }, () => Buffer.allocUnsafe(5000).fill(7))
  for (const buffer of pooled.slice(0, 100)) release(buffer)
  assert.ok(pooled.slice(100).every((buffer) => buffer.length === 5000 && buffer.every((byte) => byte === 7)))
})
