import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '#src/scp/conversation.js'
import { scripted } from '../session/scripted.js'

const window = 24 * 1024

for (const when of ['at once', 'once a key exchange has ended'])
  test(`a scp that reads nothing is told of at the limit where what is sent exceeds its window, ${when}`, async () => {
    const { client, sessions, script, server, time } = await scripted()
    const confirm = server.confirm.bind(server)
    server.confirm = (recipient, options) => confirm(recipient, { ...options, window })
    script.requested = (type, channel) => {
      if (type === 'signal') script.finish(channel)
    }
    const host = { port: client.connection, sessions, idleLimitMs: 15_000, closeLimitMs: 2000 }
    const settings = { host, command: 'scp -t /', path: '/', idleLimitMs: 15_000, signal: undefined }
    const sending = converse(settings, async (scp) => {
      if (when !== 'at once') client.connection.rekey().catch(() => {})
      await scp.send(Buffer.alloc(2 * window), 'that scp reads the file')
    })
    const { error, tookMs } = await time.failure(sending)
    assert.equal(error.limit, 'idleTimeout')
    assert.ok(tookMs >= 15_000 && tookMs < 16_000, `${tookMs} ms`)
  })
