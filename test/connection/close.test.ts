/** `close()` sends what was written before, whatever the transport does meanwhile; and after the end nothing begins any more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '#src/connection/channel.js'
import { messageNumber } from '#src/wire/numbers.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import { corePair, loggedIn, NotingSink, scriptedServer } from '../support/core/pair.js'

const none = Buffer.alloc(0)
const total = 1_500_000

for (const [what, rekey] of [
  ['key exchanges that fall due', { bytes: 100_000, ms: 3_600_000 }],
  ['no key exchange', { bytes: 2 ** 30, ms: 3_600_000 }],
] as const) {
  test(`close() sends everything that was written, with ${what} on the way`, async () => {
    const sinks: NotingSink[] = []
    const accept = (channel: Channel) => {
      const sink = new NotingSink(channel)
      sinks.push(sink)
      return sink
    }
    const { time, client, server } = corePair({
      client: { rekey },
      server: { handlers: { channelOpen: () => ({ accept }), globalRequest: () => undefined } },
    })
    await time.value(client.connection.ready)
    const channel = await time.value(client.connection.open('session', none, (opened) => new NotingSink(opened)))
    channel.write(Buffer.alloc(total))
    await time.value(client.connection.close(5000), 5000)
    await time.run(100)
    assert.equal(sinks[0]?.bytes, total)
    assert.equal(endedBy(server), 'ERR_SSH_DISCONNECTED')
    nothingLeft(client)
    nothingLeft(server)
  })
}

test('close() in the middle of a key exchange waits for its end, and sends what it held up', async () => {
  const { time, client, server } = await loggedIn()
  const channel = await time.value(client.connection.open('session', none, (opened) => new NotingSink(opened)))
  const exchange = client.connection.rekey()
  channel.write(Buffer.from('last words'))
  const closed = client.connection.close(2000)
  const { error } = await time.failure(exchange)
  assert.equal(error.code, 'ERR_SSH_CLOSED')
  await time.run(100)
  const last = server.heard.slice(-2).map((payload) => payload[0])
  assert.deepEqual(last, [messageNumber.CHANNEL_DATA, messageNumber.DISCONNECT])
  await time.value(closed, 100)
  nothingLeft(client)
})

const noting = (channel: Channel) => new NotingSink(channel)

/** A client that closes a connection of 100 ms of round trip. @returns how long that took */
async function timeOfClose(client: { isSocket: boolean; closesChannel: boolean }): Promise<number> {
  const handlers = { channelOpen: () => ({ accept: noting }), globalRequest: () => undefined }
  const pair = corePair({ server: { handlers } })
  const { time, toServer, toClient } = pair
  pair.client.delivers = () => client.isSocket
  const { connection } = pair.client
  await time.value(connection.ready)
  const channel = await time.value(connection.open('session', none, (opened) => new NotingSink(opened)))
  channel.write(Buffer.from('last words'))
  if (client.closesChannel) await time.value(channel.close())
  toServer.latencyMs = 50
  toClient.latencyMs = 50
  const from = time.now()
  await time.value(connection.close(2000), 2000)
  const tookMs = time.now() - from
  await time.run(100)
  assert.equal(endedBy(pair.client), 'ERR_SSH_CLOSED')
  assert.equal(endedBy(pair.server), 'ERR_SSH_DISCONNECTED')
  nothingLeft(pair.client)
  return tookMs
}

test('once every channel is over, a socket of the system delivers the goodbye by itself', async () => {
  assert.equal(await timeOfClose({ isSocket: true, closesChannel: true }), 0)
})

test('any other stream is kept until the peer has ended it', async () => {
  assert.equal(await timeOfClose({ isSocket: false, closesChannel: true }), 100)
})

test('so is a socket while the peer may not have read all that was written', async () => {
  assert.equal(await timeOfClose({ isSocket: true, closesChannel: false }), 100)
})

test('close() before anybody is logged in waits for nobody', async () => {
  for (const after of [0, 2, 4]) {
    const { time, client, server } = scriptedServer()
    server.before = (payload) => payload[0] === messageNumber.USERAUTH_REQUEST
    server.start()
    await time.run(after)
    const from = time.now()
    await time.value(client.connection.close(2000), 2000)
    assert.ok(time.now() - from < 20, `${time.now() - from} ms after ${after} ms`)
    nothingLeft(client)
  }
})

test('after the goodbye nothing more is sent, not even a probe', async () => {
  const keepalive = { interval: 100, countMax: 3, wantReply: true, tcp: false }
  const { time, client, server } = await loggedIn({ client: { keepalive } })
  const channel = await time.value(client.connection.open('session', none, (opened) => new NotingSink(opened)))
  // It does not answer our FIN, so that the wait for its own goes on.
  server.streamEnded = () => {}
  const closed = client.connection.close(2000)
  await time.run(1000)
  channel.write(Buffer.from('too late'))
  channel.notify('signal', none)
  await time.run(900)
  assert.equal(server.heard.at(-1)?.[0], messageNumber.DISCONNECT)
  assert.deepEqual(client.connection.takeOutput(), [])
  await time.value(closed, 2000)
  nothingLeft(client)
})

test('a key exchange asked for after the end is refused, and begins nothing', async () => {
  const { time, client } = await loggedIn()
  const closed = client.connection.close(100)
  const { error } = await time.failure(client.connection.rekey())
  assert.equal(error.code, 'ERR_SSH_CLOSED')
  await time.value(closed)
  await time.failure(client.connection.rekey())
  assert.deepEqual(client.connection.takeOutput(), [])
  nothingLeft(client)
})

test('a stream that cannot even be destroyed keeps nothing from being settled, and its exception surfaces', async () => {
  const { time, client } = await loggedIn()
  const opening = client.connection.open('session', none, (channel) => new NotingSink(channel))
  client.destroy = () => {
    throw new Error('in destroy')
  }
  assert.throws(() => client.connection.streamEnded(), { message: 'in destroy' })
  assert.equal((await time.outcome(opening)).status, 'rejected')
  assert.equal(endedBy(client), 'ERR_SSH_CONNECTION_LOST')
  nothingLeft(client)
})
