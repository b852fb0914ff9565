import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageNumber } from '#src/wire/numbers.js'
import { scripted } from './scripted.js'

test('a command that has ended with its input open is sent CLOSE alone', async () => {
  const { time, server, sessions, script } = await scripted()
  let id = -1
  script.requested = (type, channel) => {
    if (type === 'exec') id = channel
  }
  const command = await time.value(sessions.spawn('x'))
  const from = server.heard.length
  script.eof(id)
  script.exitStatus(id, 0)
  await time.value(command.exited)
  await time.run(100)
  assert.deepEqual(
    server.heard.slice(from).map(([type]) => type),
    [messageNumber.CHANNEL_CLOSE],
  )
})
