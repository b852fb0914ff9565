import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapSpaceStatistics } from 'node:v8'
import { noteReceived } from '#src/socket/heap-weight.js'

const megabyte = 1024 * 1024
const isNeeded = process.version.startsWith('v20.')

/** What is too large for a page. */
function largeBytes(): number {
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => name.endsWith('large_object_space'))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0)
}

test('a process that has received much makes its heap heavier, once, and only on Node 20', () => {
  const before = largeBytes()
  noteReceived(15 * megabyte)
  assert.ok(largeBytes() - before < megabyte)
  noteReceived(megabyte)
  const after = largeBytes() - before
  if (isNeeded) assert.ok(after >= 4 * megabyte && after < 12 * megabyte, String(after))
  else assert.ok(after < megabyte, String(after))
  for (let times = 0; times < 100; times++) noteReceived(16 * megabyte)
  assert.ok(largeBytes() - before <= after)
})
