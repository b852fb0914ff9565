import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outgoing } from '#src/connection/outgoing.js'
import { costsByItemsAlone } from '../support/core/queue-cost.js'

test('a small write in a long queue goes out at the cost of one in a short queue, once the window opens', () => {
  const chunk = { data: Buffer.alloc(1), extendedType: undefined, sent: undefined }
  let sent = 0
  const sending = { send: () => ++sent > 0 }
  const port = { remoteId: 0, covered: () => {}, drained: () => {}, stalled: () => {} }
  const filled = (count: number) => {
    const outgoing = new Outgoing(port, { window: 0, maxPacket: 32_768 })
    for (let index = 0; index < count; index++) outgoing.push(chunk)
    return { outgoing, count }
  }
  costsByItemsAlone(filled, ({ outgoing, count }) => {
    sent = 0
    outgoing.adjust(count)
    while (outgoing.canSend) outgoing.sendOne(sending, 32_768)
    assert.equal(sent, count)
    assert.ok(outgoing.isEmpty)
  })
})
