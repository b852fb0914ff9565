import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Child, parseChildren } from '#src/session/process-script.js'
import { findChild } from '#src/session/process-search.js'

const child = (pid: number, start: number | '-', group = pid): Child => ({ pid, group, start: String(start) })
const listing = (self: Child, ...children: readonly Child[]) => ({ self: self.pid, children: [...children, self] })

test('the only command is the only child but the helper', () => {
  const command = child(100, 5)
  assert.deepEqual(findChild(listing(child(200, 9), command), 0, 1), { child: command })
})

test('children are in the order of their start, whatever their pids', () => {
  const [first, second] = [child(900, 5), child(100, 6)]
  assert.deepEqual(findChild(listing(child(200, 9), second, first), 0, 2), { child: first })
  assert.deepEqual(findChild(listing(child(200, 9), second, first), 1, 2), { child: second })
})

test('those that began in the same instant are in the order of their pids', () => {
  const [first, second] = [child(100, 5), child(101, 5)]
  assert.deepEqual(findChild(listing(child(102, 5), second, first), 1, 2), { child: second })
})

test('pids that may have wrapped around in between tell nothing', () => {
  assert.deepEqual(findChild(listing(child(40_000, 9), child(300, 5), child(32_000, 5)), 0, 2), {
    problem: 'several processes could be it',
  })
})

test('what was started after the helper is none of those before it', () => {
  const command = child(100, 5)
  assert.deepEqual(findChild(listing(child(200, 9), command, child(300, 10)), 0, 1), { child: command })
})

test('where processes and commands do not match one to one, none is certain', () => {
  for (const children of [[], [child(100, 5), child(101, 6)]])
    assert.match(JSON.stringify(findChild(listing(child(200, 9), ...children), 0, 1)), /none is certain/)
})

test('a process that shares its group with others is not signalled', () => {
  assert.match(JSON.stringify(findChild(listing(child(200, 9), child(100, 5, 50)), 0, 1)), /process group/)
})

test('a helper that is no leader of its group is not on a server that we know', () => {
  assert.match(JSON.stringify(findChild(listing(child(200, 9, 50), child(100, 5)), 0, 1)), /does not tell/)
  assert.match(JSON.stringify(findChild({ self: 200, children: [child(100, 5)] }, 0, 1)), /does not tell/)
})

test('without a start only a single command can be told', () => {
  const command = child(100, '-')
  assert.deepEqual(findChild(listing(child(200, '-'), command), 0, 1), { child: command })
  assert.deepEqual(findChild(listing(child(200, '-'), command, child(101, '-')), 0, 2), {
    problem: 'several processes could be it',
  })
  assert.match(JSON.stringify(findChild(listing(child(200, '-'), command, child(101, '-')), 0, 1)), /none is certain/)
})

test('a list that is none of ours is no list', () => {
  assert.deepEqual(parseChildren(['100,100,S,5', '7,3,Ss,-']), [child(100, 5), child(7, '-', 3)])
  for (const word of ['', '100', '100,100,S', '-1,100,S,5', '100,100,S,x', '100,100,S,5,6'])
    assert.equal(parseChildren(['1,1,S,1', word]), undefined, word)
})
