/** `sessionsAhead`: sessions that are open before anybody asks for one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeBareChannelMessage,
  decodeChannelOpen,
  encodeBareChannelMessage,
  encodeChannelOpenFailure,
} from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { nothingLeft } from '../support/core/checks.js'
import { type ScriptedOptions, scripted } from './scripted.js'

const roundTripMs = 100

/** A far server that ends each command at once. */
async function far(options: ScriptedOptions = {}) {
  const all = await scripted({ ahead: 1, ...options })
  const { client, server, script, toServer, toClient } = all
  script.requested = (_type, channel) => script.finish(channel)
  toServer.latencyMs = roundTripMs / 2
  toClient.latencyMs = roundTripMs / 2
  const opens = (): number => server.heard.filter((payload) => payload[0] === messageNumber.CHANNEL_OPEN).length
  return { ...all, opens, channels: () => [...client.connection.channels].length }
}

test('a command takes one round trip where a session was opened ahead, and another is opened for the next', async () => {
  const { time, sessions, channels } = await far()
  sessions.openAhead()
  await time.run(roundTripMs)
  for (const command of ['one', 'two', 'three']) {
    const from = time.now()
    await time.value(sessions.exec(command))
    assert.equal(time.now() - from, roundTripMs)
  }
  assert.deepEqual([channels(), sessions.stats.open], [1, 0])
})

test('without it a command takes two, and nothing is opened', async () => {
  const { time, sessions, opens, channels } = await far({ ahead: 0 })
  sessions.openAhead()
  await time.run(roundTripMs)
  assert.equal(opens(), 0)
  const from = time.now()
  await time.value(sessions.exec('one'))
  assert.deepEqual([time.now() - from, opens(), channels()], [2 * roundTripMs, 1, 0])
})

test('no more are opened than were asked for, however many commands run', async () => {
  const { time, sessions, channels } = await far({ ahead: 2 })
  sessions.openAhead()
  sessions.openAhead()
  await time.run(roundTripMs)
  assert.equal(channels(), 2)
  await time.value(Promise.all(['one', 'two', 'three', 'four'].map((command) => sessions.exec(command))))
  await time.run(roundTripMs)
  assert.equal(channels(), 2)
})

test('one that is refused fails nobody, and is not asked for again before the next command', async () => {
  const { time, server, sessions, opens } = await far()
  const { before } = server
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN || opens() > 1) return before(payload)
    const { sender: recipient } = decodeChannelOpen(payload)
    server.send(encodeChannelOpenFailure({ recipient, reason: 1, description: 'no' }))
    return true
  }
  sessions.openAhead()
  await time.run(60_000)
  assert.equal(opens(), 1)
  assert.equal((await time.value(sessions.exec('one'))).exitCode, 0)
  assert.equal(opens(), 3)
})

test('where a server has one place, the command gets that of the session which was opened ahead', async () => {
  const { time, server, sessions, script, opens } = await far()
  let taken = 0
  const { before } = server
  server.before = (payload) => {
    if (payload[0] === messageNumber.CHANNEL_CLOSE) taken--
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return before(payload)
    if (taken++ === 0) return before(payload)
    taken--
    const { sender: recipient } = decodeChannelOpen(payload)
    server.send(encodeChannelOpenFailure({ recipient, reason: 2, description: 'open failed' }))
    return true
  }
  sessions.openAhead()
  // At once: nobody has answered yet, and the second CHANNEL_OPEN is refused.
  assert.equal((await time.value(sessions.exec('one'))).exitCode, 0)
  assert.ok(opens() >= 2)
  script.requested = () => {}
  const running = sessions.exec('two', { timeout: 5000 })
  await time.run(1000)
  assert.equal(sessions.stats.open, 1)
  await time.failure(running)
})

test('a call that is given up in the moment of its refusal takes none', async () => {
  const { time, client, server, sessions, channels } = await far()
  const { before } = server
  let opened = 0
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN || opened++ === 0) return before(payload)
    const { sender: recipient } = decodeChannelOpen(payload)
    server.send(encodeChannelOpenFailure({ recipient, reason: 2, description: 'open failed' }))
    return true
  }
  sessions.openAhead()
  const giveUp = new AbortController()
  const called = sessions.exec('one', { signal: giveUp.signal })
  const receive = client.receive.bind(client)
  client.receive = (chunk) => {
    receive(chunk)
    if (opened === 2) giveUp.abort()
  }
  await time.failure(called)
  await time.run(1000)
  assert.deepEqual([channels(), sessions.stats.open], [1, 0])
})

test('one that the server closes is dropped, and the next command opens its own', async () => {
  const { time, server, sessions, channels } = await far()
  sessions.openAhead()
  await time.run(roundTripMs)
  server.send(encodeBareChannelMessage('CHANNEL_CLOSE', 0))
  await time.run(60_000)
  assert.equal(channels(), 0)
  const from = time.now()
  await time.value(sessions.exec('one'))
  assert.equal(time.now() - from, 2 * roundTripMs)
})

test('one on which the server says something before it was asked for anything is closed', async () => {
  const { time, server, sessions, script, channels } = await far()
  sessions.openAhead()
  await time.run(roundTripMs)
  script.eof(0)
  await time.run(roundTripMs)
  const last = server.heard.at(-1)
  assert.equal(last?.[0], messageNumber.CHANNEL_CLOSE)
  assert.equal(last !== undefined && decodeBareChannelMessage('CHANNEL_CLOSE', last), 0)
  await time.run(roundTripMs)
  assert.equal(channels(), 0)
})

test('dropbear up to 2024 closes unused sessions when a command ends: none is opened there', async () => {
  for (const [software, count] of [
    ['dropbear_2022.83', 0],
    ['dropbear_2024.86', 0],
    ['dropbear_2025.88', 1],
  ] as const) {
    const { time, sessions, opens } = await far({ software })
    sessions.openAhead()
    await time.run(roundTripMs)
    assert.equal(opens(), count, software)
  }
})

test('the end of the connection ends it too, and nothing is left', async () => {
  const { time, client, sessions } = await far()
  sessions.openAhead()
  await time.run(roundTripMs / 2)
  await time.value(client.connection.close(2000), 2000)
  await time.run(roundTripMs)
  nothingLeft(client)
  const { error } = await time.failure(sessions.exec('late'))
  assert.equal(error.code, 'ERR_SSH_CLOSED')
})
