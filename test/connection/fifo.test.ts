import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fifo } from '#src/connection/fifo.js'
import { costsByItemsAlone } from '../support/core/queue-cost.js'
import { Random } from '../support/core/random.js'

test('it gives what it got, in order, however pushes and shifts mix', () => {
  const random = new Random(1)
  const fifo = new Fifo<number>()
  const expected: number[] = []
  for (let turn = 0; turn < 5000; turn++) {
    if (random.once(2)) {
      fifo.push(turn)
      expected.push(turn)
    } else assert.equal(fifo.shift(), expected.shift())
    assert.deepEqual([fifo.length, fifo.first, [...fifo].at(-1)], [expected.length, expected[0], expected.at(-1)])
  }
  assert.deepEqual([...fifo], expected)
  fifo.clear()
  assert.deepEqual([fifo.length, fifo.first, fifo.shift()], [0, undefined, undefined])
})

test('taking from a long one costs as little as from a short one', () => {
  costsByItemsAlone(filled, (fifo) => {
    const count = fifo.length
    let sum = 0
    for (let item = fifo.shift(); item !== undefined; item = fifo.shift()) sum += item
    assert.equal(sum, (count * (count - 1)) / 2)
  })
})

function filled(count: number): Fifo<number> {
  const fifo = new Fifo<number>()
  for (let item = 0; item < count; item++) fifo.push(item)
  return fifo
}
