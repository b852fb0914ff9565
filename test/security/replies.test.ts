/** Answers that nobody asked for, and messages for channels that are not there yet: what hung other clients for ever. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '#src/connection/channel.js'
import {
  decodeChannelOpen,
  encodeBareChannelMessage,
  encodeChannelDataHead,
  encodeChannelOpen,
  encodeChannelOpenConfirmation,
  encodeChannelRequest,
  encodeGlobalRequest,
  encodeRequestFailure,
  encodeRequestSuccess,
} from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import { loggedIn, NotingSink } from '../support/core/pair.js'

const none = Buffer.alloc(0)
const open = { window: 1000, maxPacket: 1000, data: none }

test('CVE-2026-39830: answers to global requests that nobody made neither fill memory nor stop the reading nor the close', async () => {
  const { time, client, server } = await loggedIn()
  await time.run(100)
  for (let round = 0; round < 50; round++) {
    server.send(...Array.from({ length: 100 }, () => encodeRequestSuccess(Buffer.alloc(10_000))))
    server.send(...Array.from({ length: 100 }, () => encodeRequestFailure()))
    await time.run(1)
  }
  assert.equal(client.connection.surplus, 10_000)
  const channel = await time.value(
    client.connection.open('session', none, (opened) => new NotingSink(opened)),
    100,
  )
  assert.equal(channel.isOpen, true)
  await time.value(client.connection.close(2000), 2000)
  nothingLeft(client)
})

test('CVE-2026-39830: an answer that came too early is not kept for the next question', async () => {
  const { time, client, server } = await loggedIn()
  await time.run(100)
  server.send(encodeRequestSuccess(Buffer.from('forged')))
  await time.run(10)
  server.before = (payload) => {
    if (payload[0] !== messageNumber.GLOBAL_REQUEST) return false
    server.send(encodeRequestSuccess(Buffer.from('true')))
    return true
  }
  assert.deepEqual(await time.value(client.connection.globalRequest('x', none), 100), Buffer.from('true'))
})

for (const [what, message] of [
  ['a request', (id: number) => encodeChannelRequest({ recipient: id, type: 'x', wantReply: true, data: none })],
  ['data', (id: number) => Buffer.concat([encodeChannelDataHead(id, 1), Buffer.of(0)])],
  ['an answer', (id: number) => encodeBareChannelMessage('CHANNEL_SUCCESS', id)],
  ['a CLOSE', (id: number) => encodeBareChannelMessage('CHANNEL_CLOSE', id)],
] as const) {
  test(`CVE-2026-78662: ${what} for a channel that is not confirmed ends the connection, and nobody waits on`, async () => {
    const { time, client, server } = await loggedIn()
    server.before = (payload) => {
      if (payload[0] !== messageNumber.CHANNEL_OPEN) return false
      server.send(message(decodeChannelOpen(payload).sender))
      return true
    }
    const { error } = await time.failure(
      client.connection.open('session', none, (opened) => new NotingSink(opened)),
      100,
    )
    assert.equal(error.code, 'ERR_SSH_PROTOCOL')
    assert.match(error.message, /^CHANNEL_\w+ names channel \d+, which is not open/)
    nothingLeft(client)
  })
}

test('CVE-2026-56855: answers and requests that flood an open channel are dropped or answered at once', async () => {
  const { time, client, server } = await loggedIn()
  const opened: Channel[] = []
  await time.value(
    client.connection.open('session', none, (channel) => {
      opened.push(channel)
      return new NotingSink(channel)
    }),
    100,
  )
  const id = opened[0]?.localId ?? -1
  for (let round = 0; round < 1000; round++) {
    server.send(
      encodeBareChannelMessage('CHANNEL_FAILURE', id),
      encodeChannelRequest({ recipient: id, type: 'x', wantReply: true, data: none }),
      encodeGlobalRequest('x', true),
      encodeChannelOpenConfirmation({ recipient: id, sender: 5, ...open }),
    )
  }
  await time.run(10)
  assert.equal(endedBy(client), undefined)
  assert.equal(server.heardOf(messageNumber.CHANNEL_SUCCESS).length, 1000)
  assert.equal(server.heardOf(messageNumber.REQUEST_FAILURE).length, 1000)
})

test('a message that nobody knows is answered by UNIMPLEMENTED, wherever its number lies', async () => {
  for (const number of [8, 19, 22, 29, 54, 83, 101, 127, 128, 191, 194, 255]) {
    const { time, client, server } = await loggedIn()
    server.send(Buffer.of(number, 1, 2, 3))
    await time.run(10)
    assert.equal(endedBy(client), undefined, `message ${number}`)
    assert.equal(server.heardOf(messageNumber.UNIMPLEMENTED).length, 1, `message ${number}`)
  }
})

test('CVE-2026-39827: channels that are opened and refused, by either side, leave nothing', async () => {
  const { time, client, server } = await loggedIn()
  for (let round = 0; round < 100; round++) {
    server.send(
      ...Array.from({ length: 100 }, (_, index) => encodeChannelOpen({ type: 'x11', sender: index, ...open })),
    )
    await time.run(1)
  }
  await time.run(10)
  assert.equal(server.heardOf(messageNumber.CHANNEL_OPEN_FAILURE).length, 10_000)
  assert.deepEqual([...client.connection.channels], [])
  await time.value(client.connection.close(2000), 2000)
  nothingLeft(client)
})
