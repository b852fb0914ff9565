/** A peer that breaks its word after the login: rows 19, 20, 25, 29, 32, 33, 34, 44, 45 and 46 of the table of failures. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '#src/connection/channel.js'
import { ChannelOpenError } from '#src/connection/openings.js'
import {
  decodeChannelOpen,
  encodeBareChannelMessage,
  encodeChannelDataHead,
  encodeChannelOpenFailure,
  encodeExtendedDataHead,
  encodeGlobalRequest,
  encodeRequestFailure,
  encodeRequestSuccess,
  encodeWindowAdjust,
} from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeIgnore, encodePing } from '#src/wire/transport-messages.js'
import { nothingLeft } from '../support/core/checks.js'
import type { CoreEnd } from '../support/core/core-end.js'
import { loggedIn, NotingSink } from '../support/core/pair.js'
import type { ScriptedPeer } from '../support/core/scripted-peer.js'
import type { SimulatedTime } from '../support/core/simulated-time.js'

const none = Buffer.alloc(0)
const noKeepalive = { interval: false, countMax: 3, wantReply: true, tcp: false } as const

interface Opened {
  readonly channel: Channel
  readonly sink: NotingSink
}

async function openSession(time: SimulatedTime, client: CoreEnd, consumes = true): Promise<Opened> {
  const sinks: NotingSink[] = []
  const opening = client.connection.open('session', none, (channel) => {
    const sink = new NotingSink(channel, { consumes })
    sinks.push(sink)
    return sink
  })
  const channel = await time.value(opening, 1000)
  const [sink] = sinks
  if (sink === undefined) throw new Error('the channel has no sink')
  return { channel, sink }
}

const dataFor = (recipient: number, data: Buffer) =>
  Buffer.concat([encodeChannelDataHead(recipient, data.length), data])

/** Ends what is left of the test's connection, and checks that it leaves nothing. */
async function finish(time: SimulatedTime, client: CoreEnd): Promise<void> {
  await time.value(client.connection.close(2000), 2000)
  nothingLeft(client)
}

/** Sends on and on while the connection lives. Returns the way to stop it. */
function keepSending(time: SimulatedTime, client: CoreEnd, every: number, send: () => void): () => void {
  let stopped = false
  const again = () => {
    if (stopped || client.cause !== undefined) return
    send()
    time.after(every, again)
  }
  again()
  return () => {
    stopped = true
  }
}

const swallow = (server: ScriptedPeer, ...numbers: number[]) => {
  server.before = (payload) => numbers.includes(payload.readUInt8(0))
}

test('an open that is never answered rejects at its limit, in silence, and its late confirmation gets CLOSE', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive: noKeepalive } })
  swallow(server, messageNumber.CHANNEL_OPEN)
  const opening = client.connection.open('session', none, (channel) => new NotingSink(channel))
  const { error, tookMs } = await time.failure(opening)
  assert.deepEqual(
    [error.code, error.phase, error.limit, tookMs],
    ['ERR_SSH_TIMEOUT', 'channelOpen', 'channelOpen', 15_000],
  )
  server.before = () => false
  const { sender } = decodeChannelOpen(server.heardOf(messageNumber.CHANNEL_OPEN)[0] ?? none)
  server.confirm(sender, { sender: 77 })
  await time.run(10)
  assert.deepEqual(server.heard.at(-1), encodeBareChannelMessage('CHANNEL_CLOSE', 77))
  const { channel } = await openSession(time, client)
  assert.notEqual(channel.localId, sender)
  server.send(encodeBareChannelMessage('CHANNEL_CLOSE', sender))
  await time.run(10)
  assert.equal(client.cause, undefined)
  await finish(time, client)
})

test('an open that is never answered rejects under the traffic of another channel too, at ten times its limit', async () => {
  const { time, client, server } = await loggedIn()
  const { channel } = await openSession(time, client)
  swallow(server, messageNumber.CHANNEL_OPEN)
  keepSending(time, client, 1000, () => server.send(dataFor(channel.localId, Buffer.alloc(100))))
  const opening = client.connection.open('session', none, (opened) => new NotingSink(opened))
  const { error, tookMs } = await time.failure(opening, 200_000)
  assert.deepEqual([error.code, error.limit, tookMs], ['ERR_SSH_TIMEOUT', 'channelOpen', 150_000])
  await finish(time, client)
})

test('an open that is aborted rejects at once', async () => {
  const { time, client, server } = await loggedIn()
  swallow(server, messageNumber.CHANNEL_OPEN)
  const abort = new AbortController()
  const opening = client.connection.open('session', none, (opened) => new NotingSink(opened), { signal: abort.signal })
  time.after(5, () => abort.abort())
  const { error, tookMs } = await time.failure(opening)
  assert.deepEqual([error.code, tookMs], ['ERR_SSH_ABORTED', 5])
  await finish(time, client)
})

for (const type of ['exec', 'subsystem']) {
  test(`a request for ${type} that is never answered rejects at its limit`, async () => {
    const { time, client } = await loggedIn()
    const { channel } = await openSession(time, client)
    const { error, tookMs } = await time.failure(channel.request(type, none))
    assert.deepEqual([error.code, error.phase, error.limit, tookMs], ['ERR_SSH_TIMEOUT', 'request', 'reply', 15_000])
    await finish(time, client)
  })
}

test('a channel that the peer closes settles its requests, and says so once', async () => {
  const { time, client, server } = await loggedIn()
  const { channel, sink } = await openSession(time, client)
  const asked = channel.request('exec', none)
  server.send(encodeBareChannelMessage('CHANNEL_CLOSE', channel.localId))
  const { error, tookMs } = await time.failure(asked)
  assert.equal(error.code, 'ERR_SSH_CHANNEL_CLOSED')
  assert.ok(tookMs < 10)
  assert.deepEqual(sink.heard, ['closed'])
  assert.deepEqual([...client.connection.channels], [])
  await finish(time, client)
})

test('a close that is never answered is given up, and the number of the channel stays taken', async () => {
  const { time, client, server } = await loggedIn()
  const { channel, sink } = await openSession(time, client)
  const from = time.now()
  await time.value(channel.close(), 10_000)
  assert.equal(time.now() - from, 2000)
  assert.deepEqual(sink.heard, ['closed'])
  assert.equal(channel.isAbandoned, true)
  server.send(dataFor(channel.localId, Buffer.alloc(10)))
  server.send(encodeBareChannelMessage('CHANNEL_CLOSE', channel.localId))
  await time.run(10)
  assert.equal(client.cause, undefined)
  assert.deepEqual([...client.connection.channels], [])
  assert.deepEqual(sink.heard, ['closed'])
  await finish(time, client)
})

test('a window that never opens holds nobody else up, and the verdict fails it', async () => {
  const { time, client, server } = await loggedIn()
  const stuck = await openSession(time, client)
  const other = await openSession(time, client)
  let sent = 0
  stuck.channel.write(Buffer.alloc(3_000_000), () => {
    sent++
  })
  stuck.channel.write(Buffer.alloc(1))
  await time.run(300_000)
  assert.deepEqual([client.cause, sent, stuck.channel.sendWindow], [undefined, 0, 0])
  assert.equal(stuck.channel.queuedBytes, 3_000_001 - 2 ** 20)
  const before = server.heardOf(messageNumber.CHANNEL_DATA).length
  other.channel.write(Buffer.from('x'))
  await time.run(10)
  assert.equal(server.heardOf(messageNumber.CHANNEL_DATA).length, before + 1)
  server.deaf = true
  const from = time.now()
  assert.ok(await time.until(() => client.cause !== undefined))
  assert.equal(client.cause?.code, 'ERR_SSH_PEER_DEAD')
  assert.ok(time.now() - from <= 60_000)
  assert.deepEqual(stuck.sink.heard, ['lost'])
  nothingLeft(client)
})

test('data that the peer sends after its own KEXINIT is taken, as AsyncSSH sends it', async () => {
  const { time, client, server } = await loggedIn()
  const { channel, sink } = await openSession(time, client)
  server.beginExchange()
  server.send(dataFor(channel.localId, Buffer.from('late')))
  await time.run(1000)
  assert.equal(client.cause, undefined)
  assert.deepEqual(sink.heard, ['data 4'])
  assert.equal(client.connection.keyExchanges, 2)
  await finish(time, client)
})

test('a rekey that the peer starts and leaves is given up at its limit', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive: noKeepalive } })
  const { channel } = await openSession(time, client)
  server.deaf = true
  server.send(server.kexInit())
  await time.run(1)
  const asked = client.connection.globalRequest('held', none)
  channel.write(Buffer.alloc(1000))
  const { error, tookMs } = await time.failure(asked)
  assert.deepEqual([error.code, error.limit, error.phase], ['ERR_SSH_TIMEOUT', 'rekey', 'rekey'])
  assert.ok(tookMs <= 30_000)
  assert.equal(client.cause?.limit, 'rekey')
  nothingLeft(client)
})

test('a rekey that is left is given up although IGNORE keeps coming', async () => {
  const { time, client, server } = await loggedIn()
  server.deaf = true
  server.send(server.kexInit())
  keepSending(time, client, 500, () => server.send(encodeIgnore(none)))
  const from = time.now()
  assert.ok(await time.until(() => client.cause !== undefined))
  assert.deepEqual([client.cause?.code, client.cause?.limit], ['ERR_SSH_TIMEOUT', 'rekey'])
  assert.ok(time.now() - from <= 30_010)
  nothingLeft(client)
})

test('a rekey of ours that the peer does not answer is given up, and nothing but the exchange goes out meanwhile', async () => {
  const { time, client, server } = await loggedIn()
  await time.run(10)
  const before = server.heard.length
  swallow(server, messageNumber.KEXINIT)
  const { error, tookMs } = await time.failure(client.connection.rekey())
  assert.deepEqual([error.code, error.limit], ['ERR_SSH_TIMEOUT', 'rekey'])
  assert.equal(tookMs, 30_000)
  assert.deepEqual(
    server.heard.slice(before).map((payload) => payload[0]),
    [messageNumber.KEXINIT],
  )
  nothingLeft(client)
})

for (const [what, flood] of [
  ['IGNORE', encodeIgnore(none)],
  ['keepalives', encodeGlobalRequest('keepalive@openssh.com', true)],
] as const) {
  test(`endless ${what} keep the connection alive, and no operation`, async () => {
    const { time, client, server } = await loggedIn()
    const { channel } = await openSession(time, client)
    keepSending(time, client, 1000, () => server.send(flood))
    const { error, tookMs } = await time.failure(channel.request('exec', none))
    assert.deepEqual([error.code, error.limit, tookMs], ['ERR_SSH_TIMEOUT', 'reply', 15_000])
    await time.run(200_000)
    assert.equal(client.cause, undefined)
    assert.equal(client.connection.keepalive.liveness(time.now()).state, 'alive')
    await finish(time, client)
  })
}

test('replies go to global requests in line, whoever gave up meanwhile', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive: noKeepalive } })
  swallow(server, messageNumber.GLOBAL_REQUEST)
  const abort = new AbortController()
  const given = client.connection.globalRequest('first', none, { signal: abort.signal })
  const second = client.connection.globalRequest('second', none)
  const third = client.connection.globalRequest('third', none)
  abort.abort()
  await time.failure(given)
  server.send(encodeRequestSuccess(Buffer.from('1')), encodeRequestFailure(), encodeRequestSuccess(Buffer.from('3')))
  const refused = await time.failure(second)
  assert.equal(refused.error.code, 'ERR_SSH_REQUEST_REFUSED')
  assert.deepEqual(await time.value(third), Buffer.from('3'))
  await finish(time, client)
})

test('a probe and a request never get each other’s answer, nor does a late one reach anybody', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive: { ...noKeepalive, interval: 1000 } } })
  swallow(server, messageNumber.GLOBAL_REQUEST)
  const early = client.connection.globalRequest('early', none)
  const stopTalking = keepSending(time, client, 400, () => server.send(encodeIgnore(none)))
  const { error } = await time.failure(early, 16_000)
  assert.equal(error.limit, 'reply')
  const late = client.connection.globalRequest('late', none)
  await time.run(10)
  const asked = server.heardOf(messageNumber.GLOBAL_REQUEST).length
  assert.ok(asked > 2, `${asked} requests, probes among them`)
  // The answers in the order of the questions: probes and 'early' are refused, 'late' is granted.
  for (let index = 1; index < asked; index++) server.send(encodeRequestFailure())
  server.send(encodeRequestSuccess(Buffer.from('late')))
  assert.deepEqual(await time.value(late, 100), Buffer.from('late'))
  stopTalking()
  await finish(time, client)
})

test('an open that is refused for want of room rejects alone', async () => {
  const { time, client, server } = await loggedIn()
  const first = await openSession(time, client)
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return false
    server.send(
      encodeChannelOpenFailure({
        recipient: decodeChannelOpen(payload).sender,
        reason: 4,
        description: 'no\u001b[2J more',
      }),
    )
    return true
  }
  const opening = client.connection.open('session', none, (opened) => new NotingSink(opened))
  const { error } = await time.failure(opening)
  assert.ok(error instanceof ChannelOpenError)
  assert.equal(error.reason, 4)
  assert.ok(error.message.endsWith('no\\x1b[2J more'), error.message)
  assert.equal(first.channel.isOpen, true)
  await finish(time, client)
})

test('a flood of answers that nobody asked for is counted and dropped, and reading goes on', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive: noKeepalive } })
  const { channel } = await openSession(time, client)
  const from = client.connection.surplus
  const flood = [
    encodeRequestSuccess(Buffer.alloc(1000)),
    encodeRequestFailure(),
    encodeBareChannelMessage('CHANNEL_SUCCESS', channel.localId),
    encodeBareChannelMessage('CHANNEL_FAILURE', channel.localId),
    encodeChannelOpenFailure({ recipient: channel.localId, reason: 1, description: '' }),
  ]
  for (let round = 0; round < 2000; round++) server.send(...flood)
  await time.run(10)
  assert.equal(client.connection.surplus - from, 10_000)
  const asked = client.connection.globalRequest('x', none)
  await time.failure(asked, 100)
  assert.equal(client.cause, undefined)
  await finish(time, client)
})

test('a peer that floods us with PING and does not read the answers is given up, in bounded memory', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive: noKeepalive } })
  client.kernelTakes = false
  await ask100000Times(time, client, server, encodePing(Buffer.alloc(30_000)))
  assert.equal(client.cause?.code, 'ERR_SSH_PROTOCOL')
  assert.ok(client.connection.unsentBytes < 17 * 2 ** 20)
  nothingLeft(client)
})

for (const [what, question] of [
  ['PING', encodePing(Buffer.alloc(1000))],
  ['global requests', encodeGlobalRequest('x', true)],
  ['messages that nobody knows', Buffer.of(200)],
] as const) {
  test(`a flood of ${what} in the middle of a key exchange, which holds up the answers, is given up`, async () => {
    const { time, client, server } = await loggedIn({ client: { keepalive: noKeepalive } })
    // Ours is on its way and the peer has not begun, so it may still say anything.
    swallow(server, messageNumber.KEXINIT)
    client.connection.rekey().catch(() => {})
    await ask100000Times(time, client, server, question)
    assert.equal(client.cause?.code, 'ERR_SSH_PROTOCOL')
    nothingLeft(client)
  })
}

/** Asks on and on, as far as it is listened to. */
async function ask100000Times(
  time: SimulatedTime,
  client: CoreEnd,
  server: ScriptedPeer,
  question: Buffer,
): Promise<void> {
  for (let round = 0; round < 100 && client.cause === undefined; round++) {
    server.send(...Array.from({ length: 1000 }, () => question))
    await time.run(1)
  }
}

test('an EOF that comes a second time is counted, and ends nothing', async () => {
  const { time, client, server } = await loggedIn()
  const { channel, sink } = await openSession(time, client)
  const before = client.connection.surplus
  const eof = encodeBareChannelMessage('CHANNEL_EOF', channel.localId)
  server.send(eof, eof)
  await time.run(10)
  assert.equal(client.cause, undefined)
  assert.deepEqual(sink.heard, ['eof'])
  assert.equal(client.connection.surplus, before + 1)
  await finish(time, client)
})

test('empty data reaches nobody: it uses no window, so that nothing would bound what waits', async () => {
  const { time, client, server } = await loggedIn()
  const { channel, sink } = await openSession(time, client, false)
  server.send(dataFor(channel.localId, none), Buffer.concat([encodeExtendedDataHead(channel.localId, 1, 0), none]))
  server.send(dataFor(channel.localId, Buffer.alloc(1)))
  await time.run(10)
  assert.deepEqual(sink.heard, ['data 1'])
  await finish(time, client)
})

test('windows, ends and channels that do not add up end the connection with the name of the message', async () => {
  const wrongs: readonly (readonly [string, (id: number) => Buffer[]])[] = [
    ['CHANNEL_WINDOW_ADJUST', (id) => [encodeWindowAdjust(id, 2 ** 32 - 1), encodeWindowAdjust(id, 2 ** 32 - 1)]],
    ['CHANNEL_DATA', () => [dataFor(99, none)]],
    ['CHANNEL_DATA', (id) => [encodeBareChannelMessage('CHANNEL_EOF', id), dataFor(id, Buffer.alloc(1))]],
    ['CHANNEL_SUCCESS', () => [encodeBareChannelMessage('CHANNEL_SUCCESS', 4_294_967_295)]],
    ['CHANNEL_DATA', (id) => Array.from({ length: 80 }, () => dataFor(id, Buffer.alloc(30_000)))],
  ]
  for (const [name, messages] of wrongs) {
    const { time, client, server } = await loggedIn()
    const { channel } = await openSession(time, client, false)
    server.send(...messages(channel.localId))
    await time.run(10)
    assert.equal(client.cause?.code, 'ERR_SSH_PROTOCOL')
    assert.match(client.cause.message, new RegExp(`^${name} `))
    assert.equal(server.heard.at(-1)?.[0], messageNumber.DISCONNECT)
    nothingLeft(client)
  }
})
