import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { SafeLines } from '../../demo/remote/output.js'

async function shown(...chunks: (string | Buffer)[]): Promise<string> {
  const lines = new SafeLines(() => {})
  for (const chunk of chunks) lines.write(chunk)
  lines.end()
  return text(lines)
}

test('nothing that a command writes moves the cursor of a terminal', async () => {
  assert.equal(await shown('a\u001b[2Jb\r\n\tc\u009b1m\u202e\n'), 'a\\x1b[2Jb\n\tc\\x9b1m\\u{202e}\n')
})

test('text is whole, wherever it was cut on its way', async () => {
  const [first, second] = [Buffer.from('grüße\n').subarray(0, 3), Buffer.from('grüße\n').subarray(3)]
  assert.equal(await shown(first, second), 'grüße\n')
})

test('the last line is ended, and an endless one is shown in pieces', async () => {
  assert.equal(await shown('no end'), 'no end\n')
  const lines = new SafeLines(() => {})
  lines.write('x'.repeat(70_000))
  const piece: unknown = lines.read()
  assert.ok(Buffer.isBuffer(piece) && piece.length === 70_000)
  lines.destroy()
})

test('room is made before each piece, and not for nothing', async () => {
  let made = 0
  const lines = new SafeLines(() => {
    made++
  })
  lines.write('begin')
  assert.equal(made, 0)
  lines.write(' end\n')
  assert.equal(made, 1)
  lines.end()
  assert.equal(await text(lines), 'begin end\n')
})
