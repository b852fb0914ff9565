import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import * as v from 'valibot'
import { curve25519 } from '#src/kex/methods/curve25519.js'
import { agreeX25519, makeX25519Pair } from '#src/kex/methods/x25519.js'
import { ecdhMessages } from '#src/wire/kex-method-messages.js'
import { hex, readVectors } from '../../support/vectors.js'
import { exchange, hostKey, seeded, signature } from './support.js'

const vectors = readVectors(
  'x25519',
  v.object({
    functions: v.array(v.object({ scalar: v.string(), u: v.string(), result: v.string() })),
    diffieHellman: v.object({
      a: v.string(),
      aPublic: v.string(),
      b: v.string(),
      bPublic: v.string(),
      shared: v.string(),
    }),
    smallOrder: v.array(v.string()),
  }),
)

describe('X25519', () => {
  test('gives the results of RFC 7748 section 5.2', () => {
    for (const { scalar, u, result } of vectors.functions) {
      assert.equal(agreeX25519(makeX25519Pair(() => hex(scalar)).privateKey, hex(u), 'u').toString('hex'), result)
    }
  })

  test('sends no share where its key cannot be had', (t) => {
    const { publicKey } = generateKeyPairSync('x25519')
    t.mock.method(Object.getPrototypeOf(publicKey) as typeof publicKey, 'export', () => ({ kty: 'OKP', crv: 'X25519' }))
    assert.throws(() => makeX25519Pair(() => Buffer.alloc(32, 1)), RangeError)
  })

  test('gives the keys and the secret of RFC 7748 section 6.1', () => {
    const { a, aPublic, b, bPublic, shared } = vectors.diffieHellman
    const alice = makeX25519Pair(() => hex(a))
    const bob = makeX25519Pair(() => hex(b))
    assert.equal(alice.share.toString('hex'), aPublic)
    assert.equal(bob.share.toString('hex'), bPublic)
    assert.equal(agreeX25519(alice.privateKey, bob.share, 'u').toString('hex'), shared)
    assert.equal(agreeX25519(bob.privateKey, alice.share, 'u').toString('hex'), shared)
  })
})

describe('curve25519-sha256', () => {
  test('refuses points of small order, in both roles (RFC 8731 section 3)', () => {
    for (const point of vectors.smallOrder) {
      const server = curve25519.server(seeded('server'))
      assert.throws(() => server.receive(ecdhMessages.encodeInit(hex(point))), {
        code: 'ERR_SSH_PROTOCOL',
        message: 'curve25519-sha256: Q_C is a point of small order',
      })
      const client = curve25519.client(seeded('client'))
      assert.throws(() => client.receive(ecdhMessages.encodeReply({ hostKey, share: hex(point), signature })), {
        code: 'ERR_SSH_PROTOCOL',
        message: 'curve25519-sha256: Q_S is a point of small order',
      })
    }
  })

  test('refuses a share of another length', () => {
    for (const length of [0, 31, 33]) {
      const server = curve25519.server(seeded('server'))
      assert.throws(() => server.receive(ecdhMessages.encodeInit(Buffer.alloc(length, 9))), {
        code: 'ERR_SSH_PROTOCOL',
      })
    }
  })

  test('hashes both shares as strings and the secret as an mpint, also where its first bits are high or zero', () => {
    const lengths = new Set<number>()
    for (let round = 0; round < 700; round++) {
      const { client, wire } = exchange(curve25519, seeded(`client ${round}`))
      const [init, reply] = wire
      assert.ok(init !== undefined && reply !== undefined)
      const serverShare = ecdhMessages.decodeReply(reply).share
      assert.deepEqual(client.hashFields, Buffer.concat([init.subarray(1), hex('00000020'), serverShare]))
      const [first = 0, second = 0] = client.secret.subarray(4)
      assert.ok(first > 0 ? first < 0x80 : second >= 0x80)
      lengths.add(client.secret.length - 4)
    }
    assert.deepEqual(lengths, new Set([31, 32, 33]))
  })
})
