import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import {
  decodeChannelOpen,
  encodeBareChannelMessage,
  encodeChannelOpenConfirmation,
  encodeChannelOpenFailure,
} from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { scripted } from './scripted.js'

const none = Buffer.alloc(0)

test('a session that the server opens and closes in one breath keeps no place', async () => {
  const { time, server, sessions } = await scripted()
  const before = server.before
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return before(payload)
    const recipient = decodeChannelOpen(payload).sender
    server.send(
      encodeChannelOpenConfirmation({ recipient, sender: 0, window: 2 ** 20, maxPacket: 32_768, data: none }),
      encodeBareChannelMessage('CHANNEL_CLOSE', recipient),
    )
    return true
  }
  const first = await time.failure(sessions.exec('one'))
  assert.ok(first.tookMs < 100)
  assert.deepEqual(sessions.stats, { open: 0, waiting: 0, abandoned: [] })
  await time.run(2000)
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return false
    const recipient = decodeChannelOpen(payload).sender
    server.send(encodeChannelOpenFailure({ recipient, reason: 1, description: 'no' }))
    return true
  }
  const second = await time.failure(sessions.exec('two'))
  assert.equal(second.error.code, 'ERR_SSH_CHANNEL_OPEN')
  assert.ok(second.tookMs < 100, 'it waited for a place that nobody has')
})

test('a refusal that the end of a session overtakes leaves the call its second try after that end', async () => {
  const { time, server, sessions, script } = await scripted()
  const first = sessions.exec('one')
  await time.run(100)
  const before = server.before
  let refusals = 0
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN || refusals === 2) return before(payload)
    // The first time it does so for the session that ends; the second time it has not forgotten that yet.
    if (refusals === 0) script.finish(script.requests[0]?.recipient ?? -1)
    refusals++
    server.send(
      encodeChannelOpenFailure({ recipient: decodeChannelOpen(payload).sender, reason: 2, description: 'open failed' }),
    )
    return true
  }
  script.requested = (_type, channel) => script.finish(channel)
  const second = await time.value(sessions.exec('two'))
  assert.equal((await first).exitCode, 0)
  assert.deepEqual([second.exitCode, refusals], [0, 2])
})

test('sessions that keep ending do not keep a refused call trying beyond its limit', async () => {
  const { time, server, sessions, script } = await scripted()
  const others = Array.from({ length: 40 }, (_, number) => sessions.exec(`other ${number}`))
  await time.run(100)
  const running = script.requests.map(({ recipient }) => recipient)
  const before = server.before
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return before(payload)
    const recipient = decodeChannelOpen(payload).sender
    time.after(1000, () => {
      script.finish(running.shift() ?? -1)
      server.send(encodeChannelOpenFailure({ recipient, reason: 2, description: 'open failed' }))
    })
    return true
  }
  const { error, tookMs } = await time.failure(sessions.exec('one more'))
  assert.deepEqual([error.code, error.limit], ['ERR_SSH_TIMEOUT', 'channelOpen'])
  assert.ok(tookMs >= 15_000 && tookMs < 18_000, `${tookMs} ms`)
  assert.ok(running.length > 10)
  for (const recipient of running.splice(0)) script.finish(recipient)
  await time.value(Promise.all(others))
})

/** A call that is refused, and whose next attempt, 14 s later, the server answers only after its limit of 15 s. */
async function answeredLate(isGranted: boolean) {
  const { time, server, sessions, script } = await scripted()
  const first = sessions.exec('one')
  await time.run(100)
  const before = server.before
  let attempts = 0
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return before(payload)
    const { sender: recipient } = decodeChannelOpen(payload)
    const answer =
      isGranted && attempts > 0
        ? encodeChannelOpenConfirmation({
            recipient,
            sender: recipient,
            window: 2 ** 20,
            maxPacket: 32_768,
            data: none,
          })
        : encodeChannelOpenFailure({ recipient, reason: 2, description: 'open failed' })
    time.after(attempts++ === 0 ? 0 : 5000, () => server.send(answer))
    return true
  }
  const told: unknown[] = []
  const note = (message: unknown) => told.push(message)
  subscribe('holdfast:limit', note)
  const second = sessions.exec('two')
  await time.run(14_000)
  script.requested = (_type, channel) => script.finish(channel)
  script.finish(script.requests[0]?.recipient ?? -1)
  await time.value(first)
  const outcome = await time.outcome(second)
  unsubscribe('holdfast:limit', note)
  return { outcome, told, attempts }
}

test('nothing is told of a limit that is over while an attempt is out, which succeeds', async () => {
  const { outcome, told, attempts } = await answeredLate(true)
  assert.deepEqual([outcome.status, attempts], ['fulfilled', 2])
  assert.deepEqual(told, [])
})

test('a limit that is over while an attempt is out ends the call once that is refused, and is told of once', async () => {
  const { outcome, told, attempts } = await answeredLate(false)
  assert.ok(outcome.status === 'rejected' && outcome.reason instanceof HoldfastError)
  const { limit, elapsedMs } = outcome.reason
  assert.deepEqual([limit, attempts, told.length], ['channelOpen', 2, 1])
  const [message] = told
  assert.ok(typeof message === 'object' && message !== null && 'elapsedMs' in message)
  for (const ms of [elapsedMs, message.elapsedMs])
    assert.ok(typeof ms === 'number' && ms >= 19_000 && ms < 19_500, String(ms))
})

test('a call whose opening is never answered speaks of no other sessions', async () => {
  const { time, server, sessions } = await scripted()
  await time.value(sessions.spawn('other'))
  server.before = (payload) => payload[0] === messageNumber.CHANNEL_OPEN
  const { error } = await time.failure(sessions.exec('anything'))
  assert.deepEqual([error.code, error.limit], ['ERR_SSH_TIMEOUT', 'channelOpen'])
  assert.doesNotMatch(error.hint, /MaxSessions/)
})

test('a call that waited for a place and got one speaks of no other sessions at its limit', async () => {
  const { time, server, sessions, script } = await scripted()
  const [first, third] = [sessions.exec('one'), sessions.spawn('three')]
  await time.value(third)
  const before = server.before
  let refusals = 0
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN || refusals++ > 0) return before(payload)
    const { sender: recipient } = decodeChannelOpen(payload)
    server.send(encodeChannelOpenFailure({ recipient, reason: 2, description: 'open failed' }))
    return true
  }
  const second = sessions.exec('two', { timeout: '5s' })
  await time.run(1000)
  assert.equal(sessions.stats.waiting, 1)
  script.finish(script.requests[0]?.recipient ?? -1)
  await time.value(first)
  const { error } = await time.failure(second)
  assert.deepEqual([error.limit, error.delivery, refusals], ['timeout', 'ran', 2])
  assert.doesNotMatch(error.hint, /MaxSessions/)
})
