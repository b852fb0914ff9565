/** Messages out of their place: what let others in, or put an attacker's words into a session. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputStream } from '#src/session/input.js'
import { encodeUserauthFailure, encodeUserauthRequest, encodeUserauthSuccess } from '#src/wire/auth-messages.js'
import { encodeGlobalRequest } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeExtInfo, encodePing, encodeServiceAccept, encodeServiceRequest } from '#src/wire/transport-messages.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import { CoreEnd } from '../support/core/core-end.js'
import { serverOptions } from '../support/core/options.js'
import { loggedIn, scriptedServer } from '../support/core/pair.js'
import { Random } from '../support/core/random.js'
import { ScriptedPeer } from '../support/core/scripted-peer.js'
import { SimulatedTime } from '../support/core/simulated-time.js'
import { Stream } from '../support/core/stream.js'

const none = Buffer.alloc(0)

/** A client that does what it is told, against a real server. */
function scriptedClient(): { time: SimulatedTime; client: ScriptedPeer; server: CoreEnd } {
  const time = new SimulatedTime()
  const random = new Random(1)
  const [toServer, toClient] = [new Stream(time), new Stream(time)]
  const server = new CoreEnd(time, random, toClient, serverOptions())
  const client = new ScriptedPeer(random, toServer, { role: 'client', identification: 'SSH-2.0-Scripted' })
  toServer.readBy(server)
  toClient.readBy(client)
  server.connection.start()
  client.start()
  return { time, client, server }
}

for (const [what, messages] of [
  ['before the service is granted', [encodeUserauthSuccess()]],
  ['a second time', [encodeServiceAccept('ssh-userauth'), encodeUserauthSuccess(), encodeUserauthSuccess()]],
] as const) {
  test(`CVE-2018-10933, its mirror: SUCCESS ${what} ends the connection`, async () => {
    const { time, client, server } = scriptedServer()
    server.before = (payload) => {
      if (payload[0] === messageNumber.SERVICE_REQUEST) server.send(...messages)
      return payload[0] === messageNumber.SERVICE_REQUEST || payload[0] === messageNumber.USERAUTH_REQUEST
    }
    server.start()
    await time.run(100)
    assert.equal(endedBy(client), 'ERR_SSH_PROTOCOL')
    nothingLeft(client)
  })
}

test('CVE-2018-10933, its mirror: SUCCESS in clear, before any key, lets nobody believe that he is logged in', async () => {
  const { time, client, server } = scriptedServer()
  server.start()
  server.send(encodeServiceAccept('ssh-userauth'), encodeUserauthSuccess())
  const { error } = await time.failure(client.connection.ready, 100)
  assert.equal(error.code, 'ERR_SSH_PROTOCOL')
  assert.deepEqual(server.heardOf(messageNumber.USERAUTH_REQUEST), [])
  nothingLeft(client)
})

test('CVE-2018-10933: a server is not told by its client that authentication succeeded', async () => {
  const { time, client, server } = scriptedClient()
  await time.until(() => client.exchangesDone === 1, 100)
  client.send(encodeServiceRequest('ssh-userauth'), encodeUserauthSuccess(), encodeGlobalRequest('x', true))
  await time.run(100)
  assert.equal(endedBy(server), 'ERR_SSH_PROTOCOL')
  nothingLeft(server)
})

test('CVE-2018-10933: a server hears nothing of the connection protocol before authentication succeeded', async () => {
  for (let number = 80; number <= 100; number++) {
    const { time, client, server } = scriptedClient()
    await time.until(() => client.exchangesDone === 1, 100)
    client.send(encodeServiceRequest('ssh-userauth'), Buffer.concat([Buffer.of(number), Buffer.alloc(32)]))
    await time.run(100)
    const known = number <= 82 || number >= 90
    assert.equal(endedBy(server), known ? 'ERR_SSH_PROTOCOL' : undefined, `message ${number}`)
  }
})

test('CVE-2023-46445: EXT_INFO in clear, from somebody on the path, is not believed', async () => {
  for (const strict of [true, false]) {
    const { time, client, server } = scriptedServer({ script: { strict } })
    server.start()
    server.send(encodeExtInfo(new Map([['server-sig-algs', Buffer.from('ssh-rsa')]])))
    const { error } = await time.failure(client.connection.ready, 100)
    assert.equal(error.code, 'ERR_SSH_PROTOCOL')
    nothingLeft(client)
  }
})

test('CVE-2023-46446: messages of authentication after its end do not begin another session', async () => {
  for (const message of [
    encodeUserauthFailure({ methods: ['password'], partialSuccess: false }),
    encodeUserauthSuccess(),
  ]) {
    const { time, client, server } = await loggedIn()
    server.send(message)
    await time.run(100)
    assert.equal(endedBy(client), 'ERR_SSH_PROTOCOL')
    nothingLeft(client)
  }
})

test('CVE-2023-46446: a request to log in as somebody else, slipped in after success, changes nothing at a server', async () => {
  const { time, client, server } = scriptedClient()
  await time.until(() => client.exchangesDone === 1, 100)
  const request = { username: 'deploy', service: 'ssh-connection', method: 'password', newPassword: undefined } as const
  client.send(encodeServiceRequest('ssh-userauth'))
  client.send(encodeUserauthRequest({ ...request, password: 'correct horse' }))
  await time.value(server.connection.ready, 100)
  client.send(encodeUserauthRequest({ ...request, username: 'root', password: 'correct horse' }))
  await time.run(100)
  assert.equal(client.heardOf(messageNumber.USERAUTH_SUCCESS).length, 1)
  assert.equal(endedBy(server), undefined)
})

test('CVE-2025-26466: PING before the login is answered, but a flood of it that meets no reader is cut', async () => {
  // The decision on the host key is still out, so our keys are not in use and every answer is held.
  const { time, client, server } = scriptedServer({
    client: { verifier: { check: () => {}, trust: () => new Promise(() => {}) } },
  })
  server.start()
  await time.run(10)
  for (let round = 0; round < 100 && endedBy(client) === undefined; round++) {
    server.send(...Array.from({ length: 1000 }, () => encodePing(Buffer.alloc(1000))))
    await time.run(1)
  }
  assert.equal(endedBy(client), 'ERR_SSH_PROTOCOL')
  nothingLeft(client)
})

test('CVE-2025-22869: a rekey that is drawn out holds back data, not memory without end', async () => {
  const { time, client, server } = await loggedIn()
  const channel = await time.value(
    client.connection.open('session', none, () => ({
      data: () => {},
      extendedData: () => {},
      eof: () => {},
      request: () => false,
      adjusted: () => {},
      pendingBytes: () => 0,
      closed: () => {},
      lost: () => {},
    })),
    100,
  )
  server.deaf = true
  server.send(server.kexInit())
  await time.run(5)
  const stdin = new InputStream({
    sendInput: (data, sent) => channel.write(data, sent),
    endInput: () => channel.eof(),
    fail: () => {},
  })
  let accepted = 0
  while (stdin.write(Buffer.alloc(10_000)) && accepted < 1000) accepted++
  assert.ok(accepted < 20, `${accepted} writes were accepted without asking to wait`)
  assert.ok(await time.until(() => endedBy(client) !== undefined, 40_000))
  assert.equal(client.cause?.limit, 'rekey')
  nothingLeft(client)
})

test('a second KEXINIT in one key exchange, and one before it has ended, end the connection', async () => {
  const { time, client, server } = await loggedIn()
  server.before = (payload) => payload[0] === messageNumber.KEXINIT
  server.send(server.kexInit(), server.kexInit())
  await time.run(10)
  assert.equal(endedBy(client), 'ERR_SSH_PROTOCOL')
  assert.match(client.cause?.message ?? '', /^KEXINIT came a second time/)
  nothingLeft(client)
})

test('one key exchange after the other, as fast as the peer likes, is borne', async () => {
  const { time, client, server } = await loggedIn()
  await time.run(10)
  for (let round = 1; round <= 50; round++) {
    server.beginExchange()
    assert.ok(await time.until(() => server.exchangesDone === round + 1, 100))
  }
  assert.equal(endedBy(client), undefined)
  await time.value(client.connection.close(2000), 2000)
  nothingLeft(client)
})

for (const number of [messageNumber.NEWKEYS, 30, 31, 34, 49]) {
  test(`message ${number} outside a key exchange ends the connection`, async () => {
    const { time, client, server } = await loggedIn()
    server.send(Buffer.of(number))
    await time.run(10)
    assert.equal(endedBy(client), 'ERR_SSH_PROTOCOL')
    nothingLeft(client)
  })
}
