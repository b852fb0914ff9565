/** The key exchange by which the peer is asked last, and what meets it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from '#src/errors.js'
import { messageNumber } from '#src/wire/numbers.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import { loggedIn } from '../support/core/pair.js'

const ping = new Map([['ping@openssh.com', Buffer.from('0')]])
const keepalive = { interval: 15_000, countMax: 3, wantReply: true, tcp: false } as const
const heals = 95_000

/** Logged in, and from then on what we send arrives when the outage is over. */
async function outage() {
  const joined = await loggedIn({ client: { keepalive }, script: { extensions: ping } })
  const { time, toServer } = joined
  await time.run(1000)
  const from = time.now()
  toServer.carry = (bytes) => {
    toServer.latencyMs = Math.max(1, from + heals - time.now())
    return [bytes]
  }
  return joined
}

test('a machine that sleeps after the last question gives the peer its whole time again', async () => {
  const { time, client, server } = await outage()
  await time.run(54_000)
  assert.equal(client.connection.holdsBack, true)
  client.connection.disturbed()
  assert.ok(await time.until(() => server.exchangesDone === 2, 60_000), String(client.cause))
  await time.run(1000)
  assert.equal(endedBy(client), undefined)
  await time.value(client.connection.close(2000))
  nothingLeft(client)
})

test('the last question is no reason for the process to go on, a call for new keys is', async () => {
  const { time, client } = await outage()
  client.waits.keepRunning(false)
  await time.run(54_000)
  assert.equal(client.connection.holdsBack, true)
  assert.equal(client.waits.holdsProcess, false)
  const rekeyed = client.connection.rekey()
  assert.equal(client.waits.holdsProcess, true)
  assert.equal((await time.outcome(rekeyed, 60_000)).status, 'rejected')
  assert.equal(endedBy(client), 'ERR_SSH_PEER_DEAD')
  nothingLeft(client)
})

test('a call that the last question holds back ends by its own limit, though the count began anew', async () => {
  const { time, client } = await outage()
  await time.run(54_000)
  client.connection.disturbed()
  const calledAt = time.now()
  const outcome = await time.outcome(client.connection.globalRequest('echo', Buffer.alloc(0)), 60_000)
  assert.ok(outcome.status === 'rejected' && outcome.reason instanceof HoldfastError)
  assert.deepEqual([outcome.reason.code, outcome.reason.limit], ['ERR_SSH_TIMEOUT', 'reply'])
  assert.equal(Math.round(time.now() - calledAt), outcome.reason.limitMs)
  assert.equal(endedBy(client), undefined)
  client.connection.streamEnded()
  nothingLeft(client)
})

test('the error of a call for new keys shows who made it', async () => {
  const { time, client, server } = await loggedIn({ client: { keepalive: { ...keepalive, interval: false } } })
  server.deaf = true
  const outcome = await time.outcome(client.connection.rekey(), 60_000)
  assert.ok(outcome.status === 'rejected' && outcome.reason instanceof Error)
  assert.match(outcome.reason.stack ?? '', /last-question\.test/)
  nothingLeft(client)
})

test('a PING that goes out after our NEWKEYS is answered, though the NEWKEYS of the peer comes later', async () => {
  const { time, client, server, toClient } = await loggedIn({ client: { keepalive }, script: { extensions: ping } })
  await time.run(1000)
  server.alter = (payload) => {
    if (payload[0] === messageNumber.NEWKEYS) toClient.latencyMs = 200
    return [payload]
  }
  const rekeyed = client.connection.rekey()
  assert.ok(await time.until(() => server.heardOf(messageNumber.NEWKEYS).length === 2, 1000))
  assert.equal(client.connection.keyExchanges, 1)
  const answered = new Promise<string>((resolve) => {
    client.connection.keepalive.probeNow(time.now(), ({ probe }) => resolve(probe))
  })
  assert.equal(await time.value(answered, 1000), 'ping')
  await time.value(rekeyed)
  assert.equal(client.connection.probes.unanswered, 0)
  await time.value(client.connection.close(2000))
  nothingLeft(client)
})
