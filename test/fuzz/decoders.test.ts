import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Random } from '../support/core/random.js'
import { decoders } from './decoders.js'
import { mutate } from './mutate.js'
import { whatIsWrong } from './try-decoder.js'

for (const decoder of decoders) {
  test(`${decoder.name}: reads its samples, and refuses whatever else by its own code and words`, () => {
    for (const sample of decoder.samples) decoder.decode(sample)
    const anything = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
    const mutated = fc
      .tuple(fc.constantFrom(...decoder.samples), fc.nat())
      .map(([sample, seed]) => mutate(sample, new Random(seed)))
    fc.assert(
      fc.property(fc.oneof({ weight: 1, arbitrary: anything }, { weight: 4, arbitrary: mutated }), (bytes) => {
        assert.equal(whatIsWrong(decoder, bytes), undefined)
      }),
      { numRuns: 300 },
    )
  })

  test(`${decoder.name}: no prefix of a sample makes it throw anything else`, () => {
    for (const sample of decoder.samples) {
      for (let length = 0; length < Math.min(sample.length, 400); length++) {
        assert.equal(whatIsWrong(decoder, sample.subarray(0, length)), undefined, `${length} bytes`)
      }
    }
  })
}
