/** A server that answers no keepalive of any kind: row 41 of the table of failures; one that passes over PING in silence. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeWindowAdjust } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeIgnore, encodePong } from '#src/wire/transport-messages.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import type { CoreEnd } from '../support/core/core-end.js'
import { loggedIn, NotingSink, scriptedServer } from '../support/core/pair.js'
import type { ScriptedPeer } from '../support/core/scripted-peer.js'
import type { SimulatedTime } from '../support/core/simulated-time.js'

const ping = new Map([['ping@openssh.com', Buffer.from('0')]])
const keepalive = { interval: 1000, countMax: 3, wantReply: true, tcp: false } as const
const questions: number[] = [messageNumber.PING, messageNumber.GLOBAL_REQUEST, messageNumber.CHANNEL_OPEN]

/** The server says something all the time that means nothing. */
function talk(time: SimulatedTime, client: CoreEnd, server: ScriptedPeer): void {
  if (client.cause !== undefined) return
  server.send(encodeIgnore(Buffer.alloc(16)))
  time.after(300, () => talk(time, client, server))
}

test('a server that answers nothing but a key exchange is not cut for its silence', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive }, script: { extensions: ping } })
  server.before = (payload) => questions.includes(payload.readUInt8(0))
  await time.run(3_600_000)
  assert.equal(endedBy(client), undefined)
  assert.equal(client.connection.keepalive.liveness(time.now()).bound, null)
  const asked = server.heard.filter((payload) => questions.includes(payload.readUInt8(0))).length
  assert.ok(asked < 20, `${asked} questions, each of which leaves a slot that waits for ever`)
  await time.value(client.connection.close(2000))
  nothingLeft(client)
})

test('a server that drops PING and answers global requests is asked by those', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive }, script: { extensions: ping } })
  server.before = (payload) => payload[0] === messageNumber.PING
  await time.run(600_000)
  assert.equal(endedBy(client), undefined)
  assert.equal(client.connection.keepalive.liveness(time.now()).bound, 4000)
  server.deaf = true
  const from = time.now()
  assert.ok(await time.until(() => client.cause !== undefined))
  assert.equal(endedBy(client), 'ERR_SSH_PEER_DEAD')
  assert.ok(time.now() - from <= 4000)
  nothingLeft(client)
})

test('a server that goes on talking and does not hear us is given up within a bound', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive }, script: { extensions: ping } })
  await time.run(5000)
  server.deaf = true
  talk(time, client, server)
  const from = time.now()
  assert.ok(await time.until(() => client.cause !== undefined, 60_000))
  assert.equal(endedBy(client), 'ERR_SSH_PEER_DEAD')
  assert.ok(time.now() - from <= 7000, `${time.now() - from} ms`)
  nothingLeft(client)
})

test('windows that open are no sign that the peer hears us: what went out before fills them, or nothing', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive }, script: { extensions: ping } })
  const channel = await time.value(client.connection.open('session', Buffer.alloc(0), (open) => new NotingSink(open)))
  await time.run(5000)
  server.deaf = true
  const from = time.now()
  const open = () => {
    if (client.cause !== undefined) return
    server.send(encodeWindowAdjust(channel.localId, 1))
    time.after(700, open)
  }
  open()
  assert.ok(await time.until(() => client.cause !== undefined, 60_000))
  assert.equal(endedBy(client), 'ERR_SSH_PEER_DEAD')
  assert.ok(time.now() - from <= 7000, `${time.now() - from} ms`)
  nothingLeft(client)
})

test('a server that answers the global requests of a program alone is not taken for one that answers ours', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive } })
  server.before = (payload) =>
    payload[0] === messageNumber.CHANNEL_OPEN || payload.subarray(0, 30).includes('keepalive@openssh.com')
  await time.run(100)
  // Our first question waits in the same line, and is given this answer.
  client.connection.globalRequest('asked@example.org', Buffer.alloc(0)).catch(() => {})
  await time.run(600_000)
  assert.equal(endedBy(client), undefined)
  assert.equal(client.connection.keepalive.liveness(time.now()).bound, null)
  await time.value(client.connection.close(2000))
  nothingLeft(client)
})

test('a server that leaves ever more questions unanswered does not fill our memory, and is still judged', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive }, script: { extensions: ping } })
  const waiting: Buffer[] = []
  server.before = (payload) => {
    if (payload[0] === messageNumber.PING) waiting.push(payload.subarray(5))
    // PINGs that meet a key exchange are void.
    if (payload[0] === messageNumber.KEXINIT) waiting.length = 0
    return questions.includes(payload.readUInt8(0))
  }
  const answer = () => {
    const data = server.deaf ? undefined : waiting.shift()
    if (data !== undefined) server.send(encodePong(data))
    if (client.cause === undefined) time.after(3500, answer)
  }
  answer()
  talk(time, client, server)
  await time.run(7_200_000)
  assert.equal(endedBy(client), undefined)
  const { unanswered } = client.connection.probes
  assert.ok(unanswered <= 256, `${unanswered} wait`)
  server.deaf = true
  const from = time.now()
  assert.ok(await time.until(() => client.cause !== undefined, 120_000))
  assert.ok(time.now() - from <= 60_000, `${time.now() - from} ms`)
  nothingLeft(client)
})

test('a server that gives its answers to earlier questions hears us as long as they come', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive } })
  await time.run(100)
  server.before = (payload) => payload[0] === messageNumber.GLOBAL_REQUEST
  for (let asked = 0; asked < 6; asked++)
    client.connection.globalRequest('asked@example.org', Buffer.alloc(0)).catch(() => {})
  await time.run(100)
  server.before = (payload) => payload[0] === messageNumber.CHANNEL_OPEN
  talk(time, client, server)
  await time.run(600_000)
  assert.equal(endedBy(client), undefined)
  server.deaf = true
  const from = time.now()
  assert.ok(await time.until(() => client.cause !== undefined, 60_000))
  assert.equal(endedBy(client), 'ERR_SSH_PEER_DEAD')
  assert.ok(time.now() - from <= 7000, `${time.now() - from} ms`)
  nothingLeft(client)
})

test('a server that goes on talking, and answers again before the bound, is not given up', async () => {
  const settings = { ...keepalive, countMax: 8 }
  const { time, client, server } = await loggedIn({ client: { keepalive: settings }, script: { extensions: ping } })
  await time.run(5000)
  talk(time, client, server)
  server.before = (payload) => questions.includes(payload.readUInt8(0))
  await time.run(7000)
  server.before = () => false
  await time.run(60_000)
  assert.equal(endedBy(client), undefined)
  await time.value(client.connection.close(2000))
  nothingLeft(client)
})

test('a server that answered nothing but the login has two such round trips after a sleep of ours', async () => {
  const settings = { ...keepalive, countMax: 1 }
  const { time, client, server, toServer, toClient } = scriptedServer({ client: { keepalive: settings } })
  toServer.latencyMs = 600
  toClient.latencyMs = 600
  server.start()
  await time.value(client.connection.ready)
  server.deaf = true
  await time.run(1500)
  client.connection.disturbed()
  const from = time.now()
  assert.ok(await time.until(() => client.cause !== undefined))
  assert.equal(endedBy(client), 'ERR_SSH_PEER_DEAD')
  const tookMs = time.now() - from
  assert.ok(tookMs >= 2400 && tookMs < 2600, `${tookMs} ms`)
  nothingLeft(client)
})

test('what waits for the end of a key exchange is no sign that the kernel takes nothing', async () => {
  const settings = { ...keepalive, countMax: 1, wantReply: false }
  const { time, client, server } = await loggedIn({ client: { keepalive: settings } })
  await time.run(5000)
  server.before = (payload) => payload[0] === messageNumber.KEXINIT
  client.connection.rekey().catch(() => {})
  await time.run(100)
  client.connection.globalRequest('held@example.org', Buffer.alloc(0)).catch(() => {})
  await time.run(20_000)
  assert.equal(endedBy(client), undefined)
  assert.ok(await time.until(() => client.cause !== undefined))
  assert.equal(client.cause?.limit, 'rekey')
  nothingLeft(client)
})
