import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketMemory } from '#src/sftp/packet-memory.js'

const large = 200_000

test('memory is used again only once it was given back', () => {
  const memory = new PacketMemory()
  const first = memory.take(large)
  const second = memory.take(large)
  assert.notEqual(first.buffer, second.buffer)
  memory.giveBack(first)
  assert.equal(memory.take(large - 1).buffer, first.buffer)
  assert.equal(memory.take(large).length, large)
})

test('a packet that needs more gets more, and small ones are not kept', () => {
  const memory = new PacketMemory()
  memory.giveBack(memory.take(large))
  assert.equal(memory.take(large + 1).length, large + 1)
  const small = memory.take(100)
  memory.giveBack(small)
  assert.notEqual(memory.take(100).byteOffset, small.byteOffset)
})

test('what is kept does not grow with what is given back, and can be let go', () => {
  const memory = new PacketMemory()
  const taken = Array.from({ length: 10 }, () => memory.take(large))
  for (const packet of taken) memory.giveBack(packet)
  const again = new Set(Array.from({ length: 10 }, () => memory.take(large).buffer))
  assert.equal(taken.filter(({ buffer }) => again.has(buffer)).length, 2)
  for (const packet of taken) memory.giveBack(packet)
  memory.clear()
  assert.ok(!taken.some(({ buffer }) => buffer === memory.take(large).buffer))
})
