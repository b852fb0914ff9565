/** What an error says of whether a request was handed out, or is proven to have been carried out by what came. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from 'holdfast'
import {
  decodeChannelOpen,
  encodeChannelDataHead,
  encodeChannelOpenConfirmation,
} from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeDisconnect } from '#src/wire/transport-messages.js'
import { scripted } from './scripted.js'

test('what has written or ended has run, although its request was never answered', async () => {
  for (const shows of ['output', 'exit'] as const) {
    const { time, server: peer, sessions, script } = await scripted()
    script.grant = () => undefined
    script.requested = (_type, channel) => {
      if (shows === 'output') script.stdout(channel, 'some')
      else script.exitStatus(channel, 0)
    }
    time.after(500, () => peer.close())
    const { error } = await time.failure(sessions.exec('anything'))
    assert.equal(error.delivery, 'ran', shows)
  }
})

test('what a server writes before it is asked for anything is no sign that something ran', async () => {
  const { time, sessions, script } = await scripted()
  script.grant = (type) => type !== 'exec'
  script.requested = (type, channel) => {
    if (type === 'pty-req') script.stdout(channel, 'Welcome')
  }
  const { error } = await time.failure(sessions.exec('anything', { pty: true }))
  assert.ok(error instanceof CommandError)
  assert.deepEqual([error.stdout, error.delivery, error.remote], ['Welcome', 'not-sent', 'not-started'])
})

/** A server that confirms a session, begins a key exchange in the same breath, and leaves it at that. */
async function inKeyExchange() {
  const world = await scripted()
  const { server: peer } = world
  const before = peer.before
  peer.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return before(payload)
    const { sender: recipient } = decodeChannelOpen(payload)
    const confirmation = { recipient, sender: 0, window: 2 ** 20, maxPacket: 32_768, data: Buffer.alloc(0) }
    peer.send(encodeChannelOpenConfirmation(confirmation), peer.kexInit())
    peer.deaf = true
    return true
  }
  return world
}

test('a request that a key exchange holds back when the connection ends was not sent', async () => {
  for (const options of [{}, { timeout: 1000 }]) {
    const { time, server: peer, sessions, client: end } = await inKeyExchange()
    time.after(1500, () => peer.close())
    const { error } = await time.failure(sessions.exec('anything', options))
    assert.notEqual(end.cause, undefined)
    assert.ok(error instanceof CommandError)
    assert.deepEqual([error.delivery, error.remote], ['not-sent', 'not-started'])
  }
})

test('a request that a key exchange holds back may still go out while the connection lives', async () => {
  const limited = await inKeyExchange()
  const { error } = await limited.time.failure(limited.sessions.exec('anything', { timeout: 1000 }))
  assert.equal(error.delivery, 'unknown')
  const closing = await inKeyExchange()
  const call = closing.time.failure(closing.sessions.exec('anything'))
  await closing.time.run(100)
  void closing.client.connection.close(2000)
  assert.deepEqual([(await call).error.code, (await call).error.delivery], ['ERR_SSH_CLOSED', 'unknown'])
})

test('of a call that is aborted while its session opens nothing is asked for, and its error says so', async () => {
  let offers = 0
  const offer = () => {
    offers++
    return true
  }
  const agent = { isDefault: false, offer, answered: () => {} }
  const { time, server: peer, sessions, script } = await scripted({ agent })
  const control = new AbortController()
  const first = await time.value(sessions.spawn('one that says when to stop'))
  first.stdout.on('data', () => control.abort())
  const before = peer.before
  peer.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return before(payload)
    const { sender } = decodeChannelOpen(payload)
    const confirmation = { recipient: sender, sender, window: 2 ** 20, maxPacket: 32_768, data: Buffer.alloc(0) }
    peer.send(encodeChannelOpenConfirmation(confirmation), Buffer.concat([encodeChannelDataHead(0, 1), Buffer.of(0)]))
    return true
  }
  const asked = script.types.length
  const { error } = await time.failure(sessions.exec('anything', { signal: control.signal, forwardAgent: true }))
  assert.ok(error instanceof CommandError)
  assert.deepEqual([error.code, error.delivery, error.remote], ['ERR_SSH_ABORTED', 'not-sent', 'not-started'])
  await time.run(100)
  assert.deepEqual([script.types.slice(asked), offers], [[], 0])
})

test('the reason of a goodbye is told by the errors of the calls that it ends', async () => {
  const { time, server: peer, sessions, script } = await scripted()
  script.requested = () => peer.send(encodeDisconnect({ reason: 12, description: 'too many' }))
  const { error } = await time.failure(sessions.exec('anything'))
  assert.deepEqual([error.code, error.disconnectReason], ['ERR_SSH_DISCONNECTED', 12])
})
