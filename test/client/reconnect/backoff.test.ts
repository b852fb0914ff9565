import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Backoff } from '#src/client/reconnect/backoff.js'

const settings = { minDelay: 500, maxDelay: 30_000, maxTime: false, maxAttempts: false } as const
const lowest = (size: number): Buffer => Buffer.alloc(size)
const highest = (size: number): Buffer => Buffer.alloc(size, 0xff)
const noEnd = Number.POSITIVE_INFINITY

function delays(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => Math.round(backoff.next(noEnd)))
}

test('the ceiling doubles with each attempt up to the longest delay; the floor stays', () => {
  assert.deepEqual(delays(new Backoff(settings, highest), 8), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  assert.deepEqual(delays(new Backoff(settings, lowest), 8), Array(8).fill(500))
})

test('what is drawn decides, and spreads over all that is allowed', () => {
  const backoff = new Backoff(settings, randomBytes)
  backoff.slowDown()
  const drawn = delays(backoff, 1000)
  const width = (30_000 - 500) / 10
  const tenths = Array.from({ length: 10 }, (_, n) =>
    drawn.filter((ms) => ms >= 500 + n * width && ms < 500 + (n + 1) * width),
  )
  // 100 each are to be expected: with fewer than 50 something other than chance decides.
  for (const tenth of tenths) assert.ok(tenth.length > 50, `only ${tenth.length} of 1000`)
})

test('it starts over when it is reset, and at the longest when it is to slow down', () => {
  const backoff = new Backoff(settings, highest)
  delays(backoff, 5)
  backoff.reset()
  assert.deepEqual(delays(backoff, 2), [1000, 2000])
  backoff.slowDown()
  assert.deepEqual(delays(backoff, 1), [30_000])
})

test('no delay is longer than what is left, shorter than the shortest, or beyond the longest', () => {
  const delay = fc.integer({ min: 1, max: 100_000 })
  fc.assert(
    fc.property(delay, delay, fc.integer({ min: 0, max: 200_000 }), fc.nat(40), (a, b, leftMs, attempts) => {
      const [minDelay, maxDelay] = [Math.min(a, b), Math.max(a, b)]
      const backoff = new Backoff({ ...settings, minDelay, maxDelay }, randomBytes)
      delays(backoff, attempts)
      const ms = backoff.next(leftMs)
      assert.ok(ms >= minDelay && ms <= maxDelay && ms <= Math.max(minDelay, leftMs), String(ms))
    }),
  )
})
