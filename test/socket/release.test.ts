import assert from 'node:assert/strict'
import { test } from 'node:test'
import { release } from '#src/socket/release.js'

test('memory that a buffer has for itself is given back', () => {
  const buffer = Buffer.alloc(32 * 1024, 1)
  const part = buffer.subarray(9)
  release(part)
  assert.equal(buffer.length, 0)
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

test('a pool of which one buffer has most is left alone too, once a program has made pools larger', () => {
  const { poolSize } = Buffer
  let first = Buffer.allocUnsafe(1000)
  // The first one of a pool.
  while (first.byteOffset > 0) first = Buffer.allocUnsafe(1000)
  try {
    Buffer.poolSize = 4 * poolSize
    const large = Buffer.allocUnsafe(Math.floor(0.6 * poolSize))
    assert.equal(large.buffer, first.buffer)
    release(large)
    assert.equal(first.length, 1000)
  } finally {
    Buffer.poolSize = poolSize
  }
})
