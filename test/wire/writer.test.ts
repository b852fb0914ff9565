import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reader } from '#src/wire/reader.js'
import { Writer } from '#src/wire/writer.js'

test('a number that does not fit into 32 bits is not cut short', () => {
  for (const value of [-1, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => new Writer().uint32(value), RangeError)
  for (const value of [0, 1, 2 ** 31, 2 ** 32 - 1])
    assert.equal(new Reader('test', new Writer().uint32(value).finish()).uint32('value'), value)
})

test('text is written in UTF-8, however far that is longer than its characters', () => {
  for (const text of ['', 'true', 'ä€😀'.repeat(200), '\ud800']) {
    const bytes = new Writer(1).string(text).byte(7).finish()
    const reader = new Reader('test', bytes)
    assert.deepEqual(reader.string('text'), Buffer.from(text))
    assert.equal(reader.byte('behind it'), 7)
    assert.deepEqual(reader.rest(), Buffer.alloc(0))
  }
})
