import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageNumber } from '#src/wire/numbers.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import { unsealable } from '../support/core/unsealable.js'
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

test('a CLOSE that cannot be sealed ends the connection, and the command that it was for has ended all the same', async (t) => {
  const { time, client, sessions, script } = await scripted()
  let id = -1
  script.requested = (_type, channel) => {
    id = channel
  }
  const command = await time.value(sessions.spawn('x'))
  unsealable.add(messageNumber.CHANNEL_CLOSE)
  t.after(() => unsealable.clear())
  script.eof(id)
  script.exitStatus(id, 0)
  assert.equal((await time.value(command.exited)).exitCode, 0)
  await time.run(10)
  assert.equal(endedBy(client), 'ERR_SSH_INTERNAL')
  nothingLeft(client)
})
