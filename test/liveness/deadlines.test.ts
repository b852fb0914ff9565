import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Deadline, Deadlines, runAll } from '#src/liveness/deadlines.js'

test('what is due is called once, the earliest first', () => {
  const deadlines = new Deadlines()
  const called: number[] = []
  for (const at of [30, 10, 20, 40]) deadlines.add(at, () => called.push(at))
  assert.equal(deadlines.next(), 10)
  deadlines.expire(30)
  assert.deepEqual(called, [10, 20, 30])
  deadlines.expire(30)
  assert.deepEqual(called, [10, 20, 30])
  assert.equal(deadlines.next(), 40)
  assert.equal(deadlines.size, 1)
})

test('a deadline added by a callback waits for the next call, even if it is due already', () => {
  const deadlines = new Deadlines()
  let calls = 0
  const again = () => {
    calls++
    deadlines.add(0, again)
  }
  deadlines.add(0, again)
  deadlines.expire(10)
  assert.equal(calls, 1)
  assert.equal(deadlines.next(), 0)
})

test('a callback may cancel another that is due with it', () => {
  const deadlines = new Deadlines()
  const called: string[] = []
  deadlines.add(1, () => {
    called.push('first')
    second.cancel()
  })
  const second = deadlines.add(2, () => called.push('second'))
  deadlines.expire(5)
  assert.deepEqual(called, ['first'])
  assert.equal(deadlines.size, 0)
  deadlines.add(9, () => {})
  assert.equal(deadlines.size, 1)
})

test('one that is moved to no instant at all stays where it was', () => {
  const deadlines = new Deadlines()
  const called: number[] = []
  const stays = deadlines.add(5, (now) => called.push(now))
  assert.throws(() => stays.move(Number.NaN), RangeError)
  deadlines.expire(10)
  assert.deepEqual(called, [10])
})

test('cancelling twice, or after the call, changes nothing', () => {
  const deadlines = new Deadlines()
  const called = deadlines.add(1, () => {})
  const cancelled = deadlines.add(2, () => assert.fail('it was cancelled'))
  cancelled.cancel()
  cancelled.cancel()
  deadlines.expire(3)
  called.cancel()
  assert.equal(deadlines.size, 0)
  assert.equal(deadlines.next(), undefined)
})

test('a callback that throws keeps no other from being called, and its failure surfaces', () => {
  const deadlines = new Deadlines()
  const called: number[] = []
  deadlines.add(1, () => {
    throw new Error('first')
  })
  deadlines.add(2, () => called.push(2))
  assert.throws(() => deadlines.expire(2), /first/)
  assert.deepEqual(called, [2])
})

test('an instant that is not a number is refused: it would block every deadline behind it', () => {
  assert.throws(() => new Deadlines().add(Number.NaN, () => {}), RangeError)
})

test('the owner is told when the next wake becomes earlier, and only then', () => {
  const deadlines = new Deadlines()
  const told: (number | undefined)[] = []
  deadlines.onChange(() => told.push(deadlines.next()))
  deadlines.add(50, () => {})
  deadlines.add(70, () => {})
  deadlines.add(20, () => {})
  assert.deepEqual(told, [50, 20])
})

test('one that is moved expires at its new instant alone, and holds again after it expired or was cancelled', () => {
  const deadlines = new Deadlines()
  const called: number[] = []
  const moved = deadlines.add(10, (now) => called.push(now))
  deadlines.add(20, () => {})
  moved.move(30)
  assert.equal(moved.at, 30)
  assert.equal(deadlines.next(), 20)
  deadlines.expire(29)
  assert.deepEqual(called, [])
  deadlines.expire(30)
  assert.deepEqual(called, [30])
  moved.move(40)
  deadlines.expire(40)
  moved.cancel()
  moved.move(50)
  assert.equal(deadlines.size, 1)
  deadlines.expire(50)
  assert.deepEqual(called, [30, 40, 50])
})

test('one that another puts off which is due with it waits for its new instant', () => {
  const deadlines = new Deadlines()
  const called: number[] = []
  deadlines.add(1, () => putOff.move(7))
  const putOff = deadlines.add(2, (now) => called.push(now))
  deadlines.expire(5)
  assert.deepEqual(called, [])
  deadlines.expire(7)
  assert.deepEqual(called, [7])
})

test('the owner is told when the earliest is put off, and not of others that are', () => {
  const deadlines = new Deadlines()
  const first = deadlines.add(10, () => {})
  const second = deadlines.add(20, () => {})
  const told: (number | undefined)[] = []
  deadlines.onChange(() => told.push(deadlines.next()))
  second.move(30)
  first.move(40)
  second.move(50)
  assert.deepEqual(told, [30, 40])
})

const fail = (text: string) => () => {
  throw new Error(text)
}

test('runAll runs every task and throws the first failure', () => {
  const ran: number[] = []
  assert.throws(() => runAll([() => ran.push(1), fail('a'), () => ran.push(2), fail('b')]), /a/)
  assert.deepEqual(ran, [1, 2])
})

test('any order of adding, cancelling and expiring calls exactly what a sorted list would', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), value: fc.nat(500) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('cancel' as const), value: fc.nat(500) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), value: fc.nat(500) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), value: fc.nat(20) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const deadlines = new Deadlines()
      const handles: { deadline: Deadline; at: number }[] = []
      const pending = new Set<number>()
      const called: number[] = []
      let now = 0
      for (const { do: what, value } of steps) {
        if (what === 'add') {
          const id = handles.length
          handles.push({ deadline: deadlines.add(now + value, () => called.push(id)), at: now + value })
          pending.add(id)
        } else if (what === 'cancel') {
          const id = value % Math.max(1, handles.length)
          handles[id]?.deadline.cancel()
          pending.delete(id)
        } else if (what === 'move') {
          const id = (value * 7) % Math.max(1, handles.length)
          const handle = handles[id]
          if (handle === undefined) continue
          handle.at = now + value
          handle.deadline.move(handle.at)
          pending.add(id)
        } else {
          now += value
          const due = [...pending].filter((id) => (handles[id]?.at ?? 0) <= now)
          called.length = 0
          deadlines.expire(now)
          for (const id of due) pending.delete(id)
          const instants = called.map((id) => handles[id]?.at ?? 0)
          assert.deepEqual(
            called.toSorted((a, b) => a - b),
            due,
          )
          assert.deepEqual(
            instants,
            instants.toSorted((a, b) => a - b),
          )
        }
        assert.equal(deadlines.size, pending.size)
        const earliest = Math.min(...[...pending].map((id) => handles[id]?.at ?? 0))
        assert.equal(deadlines.next() ?? Infinity, earliest)
      }
    }),
  )
})
