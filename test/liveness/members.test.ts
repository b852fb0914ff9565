import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Members } from '#src/liveness/members.js'

test('members stand in the order in which they came, whoever leaves', () => {
  const members = new Members<number>()
  const there = () => members.all().map(({ value }) => value)
  const [one, two, three, four] = [1, 2, 3, 4].map((value) => members.add(value))
  assert.ok(one && two && three && four)
  assert.deepEqual([there(), members.size], [[1, 2, 3, 4], 4])
  for (const [member, left] of [
    [two, [1, 3, 4]],
    [one, [3, 4]],
    [four, [3]],
    [three, []],
  ] as const) {
    assert.equal(members.remove(member), true)
    assert.equal(members.remove(member), false)
    assert.deepEqual([there(), members.size, member.isThere], [left, left.length, false])
  }
  members.add(5)
  assert.deepEqual(there(), [5])
})

test('who leaves keeps nobody who came later', () => {
  const members = new Members<number>()
  const first = members.add(1)
  const second = members.add(2)
  members.remove(first)
  members.remove(second)
  assert.deepEqual([first.behind, second.before], [undefined, undefined])
})
