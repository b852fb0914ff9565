import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outgoing } from '#src/connection/outgoing.js'

test('a long queue of small writes goes out without blocking the event loop, once the window opens', () => {
  const count = 300_000
  let sent = 0
  const outgoing = new Outgoing(
    { sendPiece: (_chunk, data) => (sent += data.length) > 0, covered: () => {}, stalled: () => {} },
    { window: 0, maxPacket: 32_768 },
  )
  for (let index = 0; index < count; index++)
    outgoing.push({ data: Buffer.alloc(1), extendedType: undefined, sent: undefined })
  outgoing.adjust(count)
  const from = performance.now()
  while (outgoing.canSend) outgoing.sendOne(32_768)
  assert.equal(sent, count)
  assert.ok(outgoing.isEmpty)
  assert.ok(performance.now() - from < 2000)
})
