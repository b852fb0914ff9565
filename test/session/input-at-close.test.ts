/** Input that waits when the server closes the session: it must not follow our own CLOSE, which sshd ends the connection for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sessions } from '#src/session/sessions.js'
import { messageNumber } from '#src/wire/numbers.js'
import { loggedIn } from '../support/core/pair.js'
import { SessionScript } from './scripted.js'

const noLimits = { timeout: false, idleTimeout: false, firstByteTimeout: false, stdinStall: false } as const

test('input that waits for the link, and not for the window, is not sent behind the answer to CLOSE', async () => {
  const { time, client, server } = await loggedIn({
    client: { keepalive: { interval: 15_000, countMax: 3, wantReply: true, tcp: false } },
  })
  const sessions = new Sessions(client.connection, { username: 'deploy', openLimit: 15_000, limits: noLimits })
  const script = new SessionScript(server, time)
  const received: number[] = []
  const { before } = server
  server.before = (payload) => {
    const number = payload.readUInt8(0)
    received.push(number)
    // How fast the link is, nobody has answered yet.
    return number === messageNumber.PING || number === messageNumber.GLOBAL_REQUEST || before(payload)
  }
  script.inputCame = (channel) => {
    script.inputCame = () => {}
    script.finish(channel)
  }
  const outcome = await time.outcome(sessions.exec('true', { stdin: Buffer.alloc(2 ** 20) }), 30_000)
  assert.equal(outcome.status, 'fulfilled')
  await time.run(1000)
  const close = received.indexOf(messageNumber.CHANNEL_CLOSE)
  assert.ok(received.slice(0, close).includes(messageNumber.CHANNEL_DATA))
  assert.deepEqual(
    received.slice(close + 1).filter((number) => number === messageNumber.CHANNEL_DATA),
    [],
  )
  assert.equal(client.cause, undefined)
})
