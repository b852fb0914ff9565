/** A peer that stops, lies or talks too much before anybody is logged in: rows 11, 12, 13, 27 and 42 of the table of failures. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeUserauthFailure } from '#src/wire/auth-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { nothingLeft } from '../support/core/checks.js'
import { scriptedServer } from '../support/core/pair.js'
import { inPieces } from '../support/core/stream.js'

test('a peer that accepts and says nothing is given up when the limit for its identification is over', async () => {
  const { time, client, server } = scriptedServer({ script: { identification: undefined } })
  server.start()
  const { error, tookMs } = await time.failure(client.connection.ready)
  assert.deepEqual([error.code, error.phase, error.limit], ['ERR_SSH_TIMEOUT', 'identification', 'identification'])
  assert.equal(tookMs, 10_000)
  nothingLeft(client)
})

test('lines before the identification, a few of them, do no harm', async () => {
  const { time, client, server } = scriptedServer()
  server.sendRaw(Buffer.from('Welcome\r\nto this machine\n'))
  server.start()
  await time.value(client.connection.ready, 1000)
})

for (const [what, line, every] of [
  ['quick', 'noise\r\n', 1],
  ['slow', 'still busy\r\n', 900],
  ['slow, and never ending,', 'x', 900],
] as const) {
  test(`endless ${what} lines before the identification are given up within the limit`, async () => {
    const { time, client, server, toClient } = scriptedServer({ script: { identification: undefined } })
    const talk = () => {
      server.sendRaw(Buffer.from(line))
      if (client.cause === undefined) time.after(every, talk)
    }
    talk()
    const { error, tookMs } = await time.failure(client.connection.ready)
    const expected = every === 1 ? 'ERR_SSH_IDENTIFICATION' : 'ERR_SSH_TIMEOUT'
    assert.deepEqual([error.code, error.phase], [expected, 'identification'])
    assert.ok(tookMs <= 10_000, `${tookMs} ms`)
    assert.ok(toClient.written < 70_000)
    await time.run(1000)
    nothingLeft(client)
  })
}

test('a flood before the identification, a byte at a time, costs little work', async () => {
  const { time, client, server, toClient } = scriptedServer({ script: { identification: undefined } })
  toClient.carry = inPieces(1)
  const began = process.cpuUsage()
  // As many lines as are allowed, and as many bytes: the most work that a peer can ask for.
  server.sendRaw(Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(1023)))
  await time.run(10)
  const { user, system } = process.cpuUsage(began)
  assert.equal(client.cause, undefined)
  assert.ok((user + system) / 1000 < 2000, `took ${(user + system) / 1000} ms of processor time`)
  await time.failure(client.connection.ready)
})

test('a peer that identifies itself and says nothing more is given up when the limit of the key exchange is over', async () => {
  const { time, client, server } = scriptedServer()
  server.sendRaw(Buffer.from('SSH-2.0-Scripted\r\n'))
  server.deaf = true
  const { error, tookMs } = await time.failure(client.connection.ready)
  assert.deepEqual([error.code, error.phase, error.limit], ['ERR_SSH_TIMEOUT', 'keyExchange', 'keyExchange'])
  assert.ok(tookMs <= 10_001)
  nothingLeft(client)
})

test('a peer that stops after any message of the key exchange is given up within its limit', async () => {
  for (const last of [messageNumber.KEXINIT, 30, messageNumber.NEWKEYS]) {
    const { time, client, server } = scriptedServer()
    server.before = (payload) => {
      server.deaf = payload[0] === last
      return server.deaf
    }
    server.start()
    const { error, tookMs } = await time.failure(client.connection.ready)
    const phase = last === messageNumber.NEWKEYS ? 'authentication' : 'keyExchange'
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_TIMEOUT', phase])
    assert.ok(tookMs <= 20_010, `${tookMs} ms`)
    nothingLeft(client)
  }
})

for (const answered of ['nothing', 'the service']) {
  test(`a peer that grants ${answered} and lets nobody in is given up within the limit of authentication`, async () => {
    const { time, client, server } = scriptedServer()
    server.before = (payload) =>
      payload[0] === messageNumber.USERAUTH_REQUEST ||
      (payload[0] === messageNumber.SERVICE_REQUEST && answered === 'nothing')
    server.start()
    const { error, tookMs } = await time.failure(client.connection.ready)
    assert.deepEqual([error.code, error.phase, error.limit], ['ERR_SSH_TIMEOUT', 'authentication', 'authentication'])
    assert.ok(tookMs <= 20_010, `${tookMs} ms`)
    nothingLeft(client)
  })
}

test('no probe and no global request goes out before authentication has succeeded', async () => {
  const { time, client, server } = scriptedServer({
    script: { extensions: new Map([['ping@openssh.com', Buffer.from('0')]]) },
  })
  server.before = (payload) => payload[0] === messageNumber.USERAUTH_REQUEST
  server.start()
  await time.run(19_000)
  const early = server.heard.map((payload) => payload[0])
  assert.equal(client.cause, undefined)
  assert.equal(early.at(-1), messageNumber.USERAUTH_REQUEST)
  server.before = () => false
  server.handle(server.heard.at(-1) ?? Buffer.alloc(0))
  await time.value(client.connection.ready, 100)
  await time.run(10)
  assert.equal(server.heard.at(-1)?.[0], messageNumber.PING)
})

test('a FIN before the connection is ready rejects at once, wherever it comes', async () => {
  for (const at of [
    undefined,
    messageNumber.KEXINIT,
    30,
    messageNumber.NEWKEYS,
    messageNumber.SERVICE_REQUEST,
    messageNumber.USERAUTH_REQUEST,
  ]) {
    const { time, client, server } = scriptedServer()
    server.before = (payload) => {
      if (payload[0] === at) server.close()
      return payload[0] === at
    }
    if (at === undefined) server.close()
    else server.start()
    const { error, tookMs } = await time.failure(client.connection.ready)
    assert.equal(error.code, 'ERR_SSH_CONNECTION_LOST')
    assert.ok(tookMs < 20, `${tookMs} ms`)
    nothingLeft(client)
  }
})

test('a refusal that never ends is not asked for ever', async () => {
  const { time, client, server } = scriptedServer()
  server.before = (payload) => {
    if (payload[0] !== messageNumber.USERAUTH_REQUEST) return false
    server.send(encodeUserauthFailure({ methods: ['password', 'publickey'], partialSuccess: true }))
    return true
  }
  server.start()
  const { error } = await time.failure(client.connection.ready, 30_000)
  assert.equal(error.code, 'ERR_SSH_AUTHENTICATION')
  assert.ok(server.heardOf(messageNumber.USERAUTH_REQUEST).length < 20)
  nothingLeft(client)
})

test('what the kernel has not taken of a handshake is not held against the peer', async () => {
  const { time, client, server } = scriptedServer()
  client.kernelTakes = false
  server.start()
  await time.run(15_000)
  client.kernelTakes = true
  // From here on everything but the key exchange itself stands still: its end comes, our own next steps do not leave.
  server.before = (payload) => {
    if (payload[0] === 30) client.kernelTakes = false
    return false
  }
  client.flush()
  await time.run(25_000)
  client.kernelTakes = true
  client.flush()
  await time.value(client.connection.ready, 1000)
})
