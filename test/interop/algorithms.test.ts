import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { HoldfastError } from '#src/errors.js'
import { type Algorithms, defaultAlgorithms } from '#src/kex/algorithms.js'
import type { HostKeyOffer } from '#src/kex/host-key.js'
import { kexMethods } from '#src/kex/methods.js'
import type { NegotiatedAlgorithms } from '#src/kex/negotiation.js'
import { Transport } from '#src/kex/transport.js'
import { parsePublicKey } from '#src/keys/public-key.js'
import { Deadlines } from '#src/liveness/deadlines.js'
import { Waits } from '#src/liveness/waits.js'
import { ciphers } from '#src/transport/ciphers.js'
import { macs } from '#src/transport/macs.js'
import { encodeUserauthRequest, type PasswordRequest, type UserauthRequest } from '#src/wire/auth-messages.js'
import { encodeGlobalRequest } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeIgnore, encodeServiceRequest } from '#src/wire/transport-messages.js'
import type { ReferenceServer } from '../servers/reference-server.js'
import { offerOf } from './offer.js'
import { forEachPeer } from './peers.js'

forEachPeer((peer) => {
  test('exchanges keys, and exchanges them again, by every method', async (t) => {
    const server = await peer.startWithEveryAlgorithm()
    t.after(() => server.stop())
    const names = (await offerOf(server)).kex.filter((name) => kexMethods.has(name))
    assert.notDeepEqual(names, [])
    for (const name of names) {
      const negotiated = await speak(server, { ...defaultAlgorithms, kex: [name] })
      assert.equal(negotiated.kex, name)
    }
  })

  test('speaks every cipher, and every MAC', async (t) => {
    const server = await peer.startWithEveryAlgorithm()
    t.after(() => server.stop())
    const offer = await offerOf(server)
    const offers = [
      ...offer.cipher
        .filter((name) => ciphers.has(name))
        .map((name) => ({ cipher: [name], mac: defaultAlgorithms.mac })),
      ...offer.mac.filter((name) => macs.has(name)).map((name) => ({ cipher: ['aes128-ctr'], mac: [name] })),
    ]
    for (const { cipher, mac } of offers) {
      const { clientToServer } = await speak(server, { ...defaultAlgorithms, cipher, mac })
      assert.equal(clientToServer.cipher, cipher[0])
      if (ciphers.get(clientToServer.cipher)?.aead !== true) assert.ok(mac.includes(clientToServer.mac ?? ''))
    }
  })
})

/**
 * Exchanges keys, logs in, without which sshd takes no other exchange, and exchanges keys again. Under both keys it
 * sends packets whose lengths leave every remainder of a block, and a large one; the server's answer says that it could
 * read them all.
 */
async function speak(server: ReferenceServer, algorithms: Algorithms): Promise<NegotiatedAlgorithms> {
  const socket = connect(server.port, server.host)
  const events = new EventEmitter()
  const environment = { now: () => performance.now(), randomBytes, lastTrafficAt: () => 0, errorDetails: () => ({}) }
  const deadlines = new Deadlines()
  const waits = new Waits(environment, deadlines)
  const fail = (error: HoldfastError): void => {
    waits.drain(error)
    events.emit('error', error)
  }
  const transport = new Transport(
    {
      role: 'client',
      environment,
      deadlines,
      waits,
      algorithms,
      identification: 'SSH-2.0-Holdfast_test',
      limits: { identification: 10_000, keyExchange: 10_000, rekey: 10_000, prompt: 10_000 },
      rekey: { bytes: 2 ** 30, ms: 3_600_000 },
      verifier: { check: checkHostKey, trust: () => Promise.resolve() },
    },
    {
      keysReady: () => events.emit('ready'),
      message: (payload) => events.emit(`message ${payload.readUInt8(0)}`),
      failed: fail,
      writable: () => {
        for (const piece of transport.outbound.take()) socket.write(piece)
      },
      ignores: () => false,
      heard() {},
      pong() {},
      remark() {},
      unimplemented() {},
      exchangeStarted() {},
      exchangeJoined() {},
      exchangeEnded() {},
    },
  )
  socket.on('data', (bytes) => {
    try {
      transport.receive(bytes)
    } catch (error) {
      fail(error instanceof HoldfastError ? error : new HoldfastError('ERR_SSH_PROTOCOL', String(error)))
    }
  })
  socket.on('close', () => fail(new HoldfastError('ERR_SSH_CONNECTION_LOST', 'the server closed the connection')))
  // Whoever awaits an event hears it too; between two of them nobody does.
  events.on('error', () => {})

  const ask = async (request: Buffer, answer: number): Promise<void> => {
    for (const size of [...Array(33).keys(), 30_000]) transport.send(encodeIgnore(Buffer.alloc(size)))
    const answered = once(events, `message ${answer}`)
    transport.send(request)
    await answered
  }
  try {
    const ready = once(events, 'ready')
    transport.start()
    await ready
    await ask(encodeServiceRequest('ssh-userauth'), messageNumber.SERVICE_ACCEPT)
    await ask(encodeUserauthRequest(passwordRequest(server)), messageNumber.USERAUTH_SUCCESS)
    await transport.rekey()
    await ask(encodeGlobalRequest('nothing@holdfast', true), messageNumber.REQUEST_FAILURE)
    return transport.negotiated ?? assert.fail('nothing was negotiated')
  } finally {
    transport.stop()
    socket.destroy()
  }
}

function passwordRequest({ username, password }: ReferenceServer): UserauthRequest & PasswordRequest {
  return { username, service: 'ssh-connection', method: 'password', password, newPassword: undefined }
}

function checkHostKey({ algorithm, hostKey, exchangeHash, signature }: HostKeyOffer): void {
  assert.ok(parsePublicKey(hostKey).verify(algorithm, exchangeHash, signature), 'signature of the host key')
}
