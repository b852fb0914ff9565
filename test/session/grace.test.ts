/** Output that an exit status has overtaken is waited for, for as long as it may be on its way (row 24 of the table of failures). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLimits } from '#src/client/limits.js'
import { Sessions } from '#src/session/sessions.js'
import {
  decodeChannelOpen,
  decodeChannelRequest,
  encodeBareChannelMessage,
  encodeChannelDataHead,
  encodeChannelRequest,
} from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeExitStatus } from '#src/wire/session-messages.js'
import { loggedIn } from '../support/core/pair.js'

const output = Buffer.from('hello')

/** A server that says at once how the command ended, and keeps its output for later. */
async function serverThatExitsFirst() {
  const joined = await loggedIn()
  const { time, client, server } = joined
  await time.run(10)
  const id: { channel: number } = { channel: -1 }
  server.before = (payload) => {
    if (payload[0] === messageNumber.CHANNEL_OPEN) id.channel = decodeChannelOpen(payload).sender
    if (payload[0] === messageNumber.CHANNEL_REQUEST && decodeChannelRequest(payload).type === 'exec') {
      const data = encodeExitStatus(0)
      server.send(
        encodeBareChannelMessage('CHANNEL_SUCCESS', id.channel),
        encodeChannelRequest({ recipient: id.channel, type: 'exit-status', wantReply: false, data }),
      )
    }
    return false
  }
  const sessions = new Sessions(client.connection, {
    openLimit: defaultLimits.channelOpen,
    limits: defaultLimits,
    username: 'deploy',
  })
  const running = sessions.exec('echo hello')
  running.catch(() => {})
  await time.run(10)
  const finish = () => {
    server.send(
      Buffer.concat([encodeChannelDataHead(id.channel, output.length), output]),
      encodeBareChannelMessage('CHANNEL_EOF', id.channel),
      encodeBareChannelMessage('CHANNEL_CLOSE', id.channel),
    )
  }
  return { ...joined, running, finish }
}

test('silence of 2 s after the exit ends the command, with its output open', async () => {
  const { time, running } = await serverThatExitsFirst()
  const { exitCode, outputOpen } = await time.value(running, 2500)
  assert.deepEqual([exitCode, outputOpen], [0, true])
})

test('a key exchange after the exit, however long, loses no output', async () => {
  const { time, client, server, running, finish } = await serverThatExitsFirst()
  server.before = (payload) => payload[0] === messageNumber.KEXINIT
  client.connection.rekey().catch(() => {})
  await time.run(5000)
  server.before = () => false
  const init = server.heardOf(messageNumber.KEXINIT).at(-1)
  assert.ok(init)
  server.beginExchange()
  server.handleAgain(init)
  await time.run(100)
  finish()
  const { stdout, outputOpen } = await time.value(running, 100)
  assert.deepEqual([stdout, outputOpen], ['hello', false])
})

test('a window that has not left yet, since the kernel takes nothing, does not end the command', async () => {
  const { time, client, running, finish } = await serverThatExitsFirst()
  client.kernelTakes = false
  client.connection.globalRequest('x', Buffer.alloc(0)).catch(() => {})
  await time.run(5000)
  client.kernelTakes = true
  client.flush()
  finish()
  const { stdout, outputOpen } = await time.value(running, 100)
  assert.deepEqual([stdout, outputOpen], ['hello', false])
})
