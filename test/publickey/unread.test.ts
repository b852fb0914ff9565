import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeResponse } from '#src/publickey/messages.js'
import { PublicKeys } from '#src/publickey/public-keys.js'
import { scripted } from '../session/scripted.js'
import { greeting } from './subsystem.js'

const window = 24 * 1024

for (const when of ['at once', 'once a key exchange has ended'])
  test(`a server that reads nothing is told of at the limit where a request exceeds its window, ${when}`, async () => {
    const { client, sessions, script, server, time } = await scripted()
    const confirm = server.confirm.bind(server)
    server.confirm = (recipient, options) => confirm(recipient, { ...options, window })
    script.requested = (type, channel) => {
      if (type === 'subsystem') script.stdout(channel, encodeResponse(greeting))
    }
    const opening = PublicKeys.open(
      { port: client.connection, sessions, limitMs: 15_000, closeLimitMs: 2000 },
      undefined,
    )
    const keys = await time.value(opening)
    if (when !== 'at once') client.connection.rekey().catch(() => {})
    const key = { algorithm: 'ssh-ed25519', blob: Buffer.alloc(2 * window) }
    const { error, tookMs } = await time.failure(keys.add(key))
    assert.equal(error.limit, 'reply')
    assert.ok(tookMs >= 15_000 && tookMs < 15_100, `${tookMs} ms`)
  })
