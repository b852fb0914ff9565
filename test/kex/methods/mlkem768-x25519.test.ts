import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import * as mlKem from '#src/kex/methods/ml-kem-768.js'
import { mlkem768X25519 } from '#src/kex/methods/mlkem768-x25519.js'
import { agreeX25519, makeX25519Pair } from '#src/kex/methods/x25519.js'
import { ecdhMessages } from '#src/wire/kex-method-messages.js'
import { hex } from '../../support/vectors.js'
import { exchange, hostKey, seeded, signature } from './support.js'

const refused = { code: 'ERR_SSH_PROTOCOL' }

describe('ML-KEM-768', () => {
  // The accumulated vector of C2SP's CCTV for ML-KEM, 100 iterations: a hash over public keys, ciphertexts, secrets, and
  // the secrets of implicit rejection, all from one SHAKE128 stream.
  const expected = '1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415'
  const rounds = 100

  function accumulate(makePair: (seed: Buffer) => mlKem.MlKemPair): string {
    const { seedBytes, messageBytes, ciphertextBytes } = mlKem
    const bytesARound = seedBytes + messageBytes + ciphertextBytes
    const stream = createHash('shake128', { outputLength: rounds * bytesARound }).digest()
    const outcome = createHash('shake128', { outputLength: 32 })
    for (let at = 0; at < stream.length; at += bytesARound) {
      const seed = stream.subarray(at, at + seedBytes)
      const message = stream.subarray(at + seedBytes, at + seedBytes + messageBytes)
      const pair = makePair(seed)
      const { ciphertext, secret } = mlKem.encapsulate(pair.publicKey, message)
      assert.deepEqual(pair.decapsulate(ciphertext), secret)
      const garbage = stream.subarray(at + seedBytes + messageBytes, at + bytesARound)
      outcome.update(pair.publicKey).update(ciphertext).update(secret).update(pair.decapsulate(garbage))
    }
    return outcome.digest('hex')
  }

  test('gives the published values on noble', () => {
    assert.equal(accumulate(mlKem.makeNoblePair), expected)
  })

  const hasOpenssl = mlKem.makeOpensslPair(Buffer.alloc(mlKem.seedBytes)) !== undefined
  test('gives the published values on node:crypto', { skip: hasOpenssl ? false : 'this Node has no ML-KEM' }, () => {
    assert.equal(
      accumulate((seed) => mlKem.makeOpensslPair(seed) ?? assert.fail()),
      expected,
    )
  })
})

describe('mlkem768x25519-sha256', () => {
  test('sends key and ciphertext before the X25519 shares, and hashes both secrets to a string', () => {
    const { client, wire } = exchange(mlkem768X25519)
    const [init, reply] = wire.map((payload, index) =>
      index === 0 ? ecdhMessages.decodeInit(payload) : ecdhMessages.decodeReply(payload).share,
    )
    assert.ok(init !== undefined && reply !== undefined)
    assert.equal(init.length, 1184 + 32)
    assert.equal(reply.length, 1088 + 32)

    const random = seeded('client')
    const kemSecret = mlKem.makeNoblePair(random(64)).decapsulate(reply.subarray(0, 1088))
    const { privateKey } = makeX25519Pair(random)
    const secret = createHash('sha256')
      .update(kemSecret)
      .update(agreeX25519(privateKey, reply.subarray(1088), 'Q_S'))
    assert.deepEqual(client.secret, Buffer.concat([hex('00000020'), secret.digest()]))
    assert.deepEqual(client.hashFields, Buffer.concat([hex('000004c0'), init, hex('00000460'), reply]))
  })

  test('refuses shares of another length', () => {
    const { wire } = exchange(mlkem768X25519)
    const init = ecdhMessages.decodeInit(wire[0] ?? Buffer.alloc(0))
    const reply = ecdhMessages.decodeReply(wire[1] ?? Buffer.alloc(0)).share
    for (const share of [init.subarray(1), init.subarray(0, 32), Buffer.concat([init, Buffer.alloc(1)])]) {
      assert.throws(() => mlkem768X25519.server(seeded('server')).receive(ecdhMessages.encodeInit(share)), refused)
    }
    for (const share of [reply.subarray(1), reply.subarray(0, 32), Buffer.concat([reply, Buffer.alloc(1)])]) {
      const client = mlkem768X25519.client(seeded('client'))
      assert.throws(() => client.receive(ecdhMessages.encodeReply({ hostKey, share, signature })), refused)
    }
  })

  test('refuses a public key with numbers outside the field (FIPS 203 section 7.2)', () => {
    const init = Buffer.from(ecdhMessages.decodeInit(exchange(mlkem768X25519).wire[0] ?? Buffer.alloc(0)))
    init.fill(0xff, 0, 3)
    assert.throws(() => mlkem768X25519.server(seeded('server')).receive(ecdhMessages.encodeInit(init)), {
      code: 'ERR_SSH_PROTOCOL',
      message: 'mlkem768x25519-sha256: Q_C holds no public key of ML-KEM-768',
    })
  })

  test('refuses an X25519 share of small order, in both roles', () => {
    const { wire } = exchange(mlkem768X25519)
    const init = Buffer.from(ecdhMessages.decodeInit(wire[0] ?? Buffer.alloc(0))).fill(0, 1184)
    const share = Buffer.from(ecdhMessages.decodeReply(wire[1] ?? Buffer.alloc(0)).share).fill(0, 1088)
    assert.throws(() => mlkem768X25519.server(seeded('server')).receive(ecdhMessages.encodeInit(init)), refused)
    const client = mlkem768X25519.client(seeded('client'))
    assert.throws(() => client.receive(ecdhMessages.encodeReply({ hostKey, share, signature })), refused)
  })

  test('a damaged ciphertext gives another secret, and no error', () => {
    const { client, wire } = exchange(mlkem768X25519)
    const share = Buffer.from(ecdhMessages.decodeReply(wire[1] ?? Buffer.alloc(0)).share)
    share[0] = share.readUInt8(0) ^ 1
    const step = mlkem768X25519
      .client(seeded('client'))
      .receive(ecdhMessages.encodeReply({ hostKey, share, signature }))
    assert.equal(step.step, 'done')
    if (step.step === 'done') assert.notDeepEqual(step.secret, client.secret)
  })
})
