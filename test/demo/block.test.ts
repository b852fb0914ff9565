import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sceneBlock } from '../../demo/show/block.js'
import { Performance } from '../../demo/show/performance.js'
import { vanish } from '../../demo/show/scenes/vanish.js'
import { lanes } from '../../demo/show/show.js'

function block(width: number) {
  const performance = new Performance({
    scene: vanish,
    number: 2,
    lanes,
    signal: new AbortController().signal,
    noted: () => {},
  })
  const [plain, keepalive, holdfast] = performance.tracks
  plain?.note('the peer vanishes')
  keepalive?.note('Keepalive timeout')
  keepalive?.end()
  holdfast?.note('a report that is longer than its column is wide', 'good')
  holdfast?.end()
  return sceneBlock(performance, width).map((line) => line.map(({ text }) => text).join(''))
}

test('the lanes of a scene stand side by side, within the width of the terminal', () => {
  for (const width of [79, 99]) {
    const lines = block(width)
    for (const line of lines) assert.ok(line.length <= width, `${line.length} > ${width}: ${line}`)
    const [title, names, events] = lines
    assert.match(title ?? '', /^2 {2}The peer vanishes/)
    assert.match(names ?? '', /^ {3}ssh2 +ssh2, keepalive +Holdfast *$/)
    assert.match(events ?? '', / 0\.\d\d the peer vanishes +0\.\d\d Keepalive timeout +0\.\d\d a report/)
  }
})

test('a lane that is not done shows the time, one that is done does not', () => {
  const [, , , last] = block(99)
  assert.match(last ?? '', /^ +0\.\d\d \.\.\. +/)
})
