import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { keepFreedMemory } from '#src/socket/freed-memory.js'

const megabyte = 1024 * 1024

test('to have memory kept that is freed takes none', () => {
  const before = process.memoryUsage()
  for (let times = 0; times < 10; times++) keepFreedMemory()
  const after = process.memoryUsage()
  assert.ok(
    after.arrayBuffers - before.arrayBuffers < megabyte,
    `${after.arrayBuffers - before.arrayBuffers} bytes of buffers`,
  )
  assert.ok(after.rss - before.rss < 15 * megabyte, `${after.rss - before.rss} bytes of memory`)
})
