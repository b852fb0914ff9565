import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { ByteQueue } from '#src/session/byte-queue.js'
import { CollectedOutput, OutputStream } from '#src/session/output.js'

test('what is pushed comes out in order, whatever the sizes and however it is taken', () => {
  const step = fc.oneof(
    fc.record({ push: fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 5000 }), fc.nat({ max: 40_000 })) }),
    fc.constant('shift' as const),
    fc.constant('join' as const),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const queue = new ByteQueue()
      let next = 0
      let expected = Buffer.alloc(0)
      for (const what of steps) {
        if (what === 'join') assert.deepEqual(queue.joined(), expected)
        else if (what === 'shift') {
          const piece = queue.shift() ?? Buffer.alloc(0)
          assert.deepEqual(piece, expected.subarray(0, piece.length))
          expected = expected.subarray(piece.length)
        } else {
          const bytes = Buffer.alloc(what.push, next++)
          queue.push(bytes)
          expected = Buffer.concat([expected, bytes])
        }
      }
      assert.deepEqual(queue.joined(), expected)
      assert.equal(queue.isEmpty, expected.length === 0 && queue.shift() === undefined)
    }),
  )
})

const count = 300_000

setFlagsFromString('--expose-gc')

/** Without what nobody holds any more. */
function inUse(): number {
  runInNewContext('gc()')
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Memory that this takes for each of many bytes that come one at a time, as a hostile peer may send them. */
function bytesEach(deliver: (bytes: Buffer) => void): number {
  const before = inUse()
  for (let index = 0; index < count; index++) deliver(Buffer.from([index & 0xff]))
  return (inUse() - before) / count
}

test('output that comes a byte at a time and is kept takes little more memory than it has bytes', () => {
  const collected = new CollectedOutput((bytes) => bytes)
  const each = bytesEach((bytes) => collected.deliver(bytes))
  assert.ok(each < 20, `${Math.round(each)} bytes each`)
  assert.equal(collected.read('buffer').length, count)
})

test('so does output that nobody reads', () => {
  const stream = new OutputStream(() => {})
  const each = bytesEach((bytes) => stream.deliver(bytes))
  assert.ok(each < 20, `${Math.round(each)} bytes each`)
  assert.equal(stream.unread, count)
  stream.destroy()
})
