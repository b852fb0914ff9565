import assert from 'node:assert/strict'
import { getDiffieHellman } from 'node:crypto'
import { describe, test } from 'node:test'
import type { ClientExchange, ClientStep, KexMethod } from '#src/kex/method.js'
import { modpGroup } from '#src/kex/methods/dh-group.js'
import { kexMethods } from '#src/kex/methods.js'
import {
  decodeGroup,
  dhMessages,
  encodeGroup,
  encodeGroupRequest,
  type Group,
  groupExchangeMessages,
} from '#src/wire/kex-method-messages.js'
import { Writer } from '#src/wire/writer.js'
import { hex } from '../../support/vectors.js'
import { exchange, hostKey, seeded, signature } from './support.js'

const group14 = methodNamed('diffie-hellman-group14-sha256')
const groupExchange = methodNamed('diffie-hellman-group-exchange-sha256')
const { prime, generator } = modpGroup('modp14')

test('the primes are those of RFC 3526 and RFC 2409, which are made from the digits of pi', () => {
  const pi = piTimesTwoTo(8200)
  const primes = [
    { name: 'modp2', bits: 1024n, offset: 129093n },
    { name: 'modp14', bits: 2048n, offset: 124476n },
    { name: 'modp15', bits: 3072n, offset: 1690314n },
    { name: 'modp16', bits: 4096n, offset: 240904n },
    { name: 'modp17', bits: 6144n, offset: 929484n },
    { name: 'modp18', bits: 8192n, offset: 4743158n },
  ] as const
  for (const { name, bits, offset } of primes) {
    const digits = pi >> (8200n - (bits - 130n))
    const expected = 2n ** bits - 2n ** (bits - 64n) - 1n + 2n ** 64n * (digits + offset)
    const group = modpGroup(name)
    assert.equal(BigInt(`0x${group.prime.toString('hex')}`), expected, name)
    assert.deepEqual(group.generator, Buffer.of(2))
  }
})

describe('diffie-hellman in a fixed group', () => {
  test('agrees with the DiffieHellmanGroup of node:crypto', () => {
    const peer = getDiffieHellman('modp14')
    const share = peer.generateKeys()
    const client = group14.client(seeded('client'))
    const e = dhMessages.decodeInit(client.start())
    const done = client.receive(dhMessages.encodeReply({ hostKey, share, signature }))
    assert.equal(done.step, 'done')
    if (done.step !== 'done') return
    assert.deepEqual(done.secret, mpint(peer.computeSecret(e)))
    assert.deepEqual(done.hashFields, Buffer.concat([mpint(e), mpint(share)]))
  })

  // Seeds that were searched for: one value in 256 is a byte shorter than the prime.
  for (const { what, seed, eBytes, secretBytes } of [
    { what: 'e', seed: 'client 174', eBytes: 255, secretBytes: 256 },
    { what: 'the secret', seed: 'client 794', eBytes: 256, secretBytes: 255 },
  ]) {
    test(`gives the right values where ${what} begins with zeros`, () => {
      const { client, wire } = exchange(group14, seeded(seed))
      const e = dhMessages.decodeInit(wire[0] ?? Buffer.alloc(0))
      const f = dhMessages.decodeReply(wire[1] ?? Buffer.alloc(0)).share
      const x = toBigInt(seeded(seed)(64))
      const secret = power(toBigInt(f), x, toBigInt(prime))
      assert.deepEqual(toBigInt(e), power(2n, x, toBigInt(prime)))
      assert.deepEqual(client.secret, mpint(hex(evenHex(secret))))
      assert.equal(e.length, eBytes)
      assert.equal(evenHex(secret).length / 2, secretBytes)
    })
  }

  test('refuses 0, 1, p-1, p and more, in both roles', () => {
    for (const share of outside(prime)) {
      const server = group14.server(seeded('server'))
      assert.throws(() => server.receive(dhMessages.encodeInit(share)), {
        code: 'ERR_SSH_PROTOCOL',
        message: 'diffie-hellman-group14-sha256: e is not between 1 and p-1',
      })
      const client = group14.client(seeded('client'))
      assert.throws(() => client.receive(dhMessages.encodeReply({ hostKey, share, signature })), {
        code: 'ERR_SSH_PROTOCOL',
        message: 'diffie-hellman-group14-sha256: f is not between 1 and p-1',
      })
    }
  })

  test('refuses a negative number, and one with unnecessary zeros', () => {
    for (const encoded of ['0000000180', '000000020001']) {
      const server = group14.server(seeded('server'))
      assert.throws(() => server.receive(hex(`1e${encoded}`)), { code: 'ERR_SSH_PROTOCOL', message: /^KEXDH_INIT: e / })
    }
  })
})

describe('diffie-hellman group exchange', () => {
  test('asks for 2048 to 8192 bits, 3072 preferred, and hashes that with the group', () => {
    const { client, wire } = exchange(groupExchange)
    const [request, group, init, reply] = wire
    assert.ok(request !== undefined && group !== undefined && init !== undefined && reply !== undefined)
    assert.deepEqual(request, hex('220000080000000c0000002000'))
    const fields = [request.subarray(1), group.subarray(1), init.subarray(1)]
    const share = groupExchangeMessages.decodeReply(reply).share
    assert.deepEqual(client.hashFields, Buffer.concat([...fields, mpint(share)]))
    assert.deepEqual(decodeGroup(group), modpGroup('modp15'))
  })

  test('the server gives the smallest group that is as large as preferred, else the largest allowed', () => {
    const expected = [
      { min: 1024, preferred: 1024, max: 8192, name: 'modp14' },
      { min: 2048, preferred: 2049, max: 8192, name: 'modp15' },
      { min: 2048, preferred: 4096, max: 8192, name: 'modp16' },
      { min: 2048, preferred: 8192, max: 5000, name: 'modp16' },
      { min: 8192, preferred: 8192, max: 8192, name: 'modp18' },
    ] as const
    for (const { name, ...request } of expected) {
      const step = groupExchange.server(seeded('server')).receive(encodeGroupRequest(request))
      assert.equal(step.step, 'send')
      if (step.step === 'send') assert.deepEqual(decodeGroup(step.payload), modpGroup(name))
    }
  })

  test('the server refuses a range without a group', () => {
    for (const request of [
      { min: 1024, preferred: 1024, max: 2047 },
      { min: 8193, preferred: 9000, max: 16384 },
      { min: 4096, preferred: 3000, max: 2048 },
    ]) {
      const server = groupExchange.server(seeded('server'))
      assert.throws(() => server.receive(encodeGroupRequest(request)), {
        code: 'ERR_SSH_PROTOCOL',
        message: /^KEX_DH_GEX_REQUEST: min to max allows no size/,
      })
    }
  })

  test('the client refuses groups that are too short, too long, even, or have no generator', () => {
    const even = Buffer.from(prime)
    even[even.length - 1] = 0xfe
    const shifted = prime.subarray(0, -1)
    const long = Buffer.concat([Buffer.of(1), modpGroup('modp18').prime])
    const bad: readonly (Group & { readonly says: RegExp })[] = [
      { prime: Buffer.alloc(0), generator, says: /p has 1 bits|p has 0 bits/ },
      { prime: shifted, generator, says: /p has 2040 bits, where 2048 to 8192 are allowed/ },
      { prime: modpGroup('modp2').prime, generator, says: /p has 1024 bits/ },
      { prime: long, generator, says: /p has 8193 bits/ },
      { prime: even, generator, says: /p is even/ },
      ...outside(prime).map((value) => ({ prime, generator: value, says: /g is not between 1 and p-1/ })),
    ]
    for (const { says, ...group } of bad) {
      const client = groupExchange.client(seeded('client'))
      client.start()
      assert.throws(() => client.receive(encodeGroup(group)), { code: 'ERR_SSH_PROTOCOL', message: says })
    }
  })

  test('the client takes any generator, and a group that no standard names', () => {
    // Of a modulus that is not one of RFC 3526, nothing but size and oddness is known.
    const unnamed = Buffer.from(prime)
    unnamed[100] = unnamed.readUInt8(100) ^ 0x55
    for (const group of [
      { prime: unnamed, generator: Buffer.of(5) },
      { prime: unnamed, generator: unnamed.subarray(1) },
    ]) {
      const client = groupExchange.client(seeded('client'))
      client.start()
      const e = groupExchangeMessages.decodeInit(sent(client.receive(encodeGroup(group))))
      const p = toBigInt(unnamed)
      const y = 12345n
      const f = hex(evenHex(power(toBigInt(group.generator), y, p)))
      const done = client.receive(groupExchangeMessages.encodeReply({ hostKey, share: f, signature }))
      assert.equal(done.step, 'done')
      if (done.step !== 'done') return
      assert.deepEqual(done.secret, mpint(hex(evenHex(power(toBigInt(e), y, p)))))
    }
  })

  test('refuses values outside 1 to p-1 in either direction', () => {
    for (const share of outside(prime)) {
      const client = groupExchange.client(seeded('client'))
      reachReply(client)
      assert.throws(() => client.receive(groupExchangeMessages.encodeReply({ hostKey, share, signature })), {
        code: 'ERR_SSH_PROTOCOL',
        message: /: f is not between 1 and p-1/,
      })
      const server = groupExchange.server(seeded('server'))
      server.receive(encodeGroupRequest({ min: 2048, preferred: 2048, max: 2048 }))
      assert.throws(() => server.receive(groupExchangeMessages.encodeInit(share)), {
        code: 'ERR_SSH_PROTOCOL',
        message: /: e is not between 1 and p-1/,
      })
    }
  })

  test('refuses a reply before the group, and a second group', () => {
    const early = groupExchange.client(seeded('client'))
    early.start()
    const reply = groupExchangeMessages.encodeReply({ hostKey, share: Buffer.of(4), signature })
    assert.throws(() => early.receive(reply), {
      code: 'ERR_SSH_PROTOCOL',
      message: /^KEX_DH_GEX_GROUP: message number/,
    })
    const client = groupExchange.client(seeded('client'))
    reachReply(client)
    assert.throws(() => client.receive(encodeGroup({ prime, generator })), {
      code: 'ERR_SSH_PROTOCOL',
      message: /^KEX_DH_GEX_REPLY: message number/,
    })
  })
})

function methodNamed(name: string): KexMethod {
  const method = kexMethods.get(name)
  assert.ok(method !== undefined, name)
  return method
}

function reachReply(client: ClientExchange): void {
  client.start()
  client.receive(encodeGroup({ prime, generator }))
}

function sent(step: ClientStep): Buffer {
  return step.step === 'send' ? step.payload : assert.fail('the exchange is over')
}

/** The magnitudes that RFC 4253 section 8 excludes. */
function outside(modulus: Buffer): Buffer[] {
  const last = Buffer.from(modulus)
  last[last.length - 1] = modulus.readUInt8(modulus.length - 1) - 1
  return [Buffer.alloc(0), Buffer.of(1), last, modulus, Buffer.concat([modulus, Buffer.of(0)])]
}

/** Machin's formula. */
function piTimesTwoTo(bits: number): bigint {
  const guard = 64n
  const one = 1n << (BigInt(bits) + guard)
  return (4n * (4n * arctanOfInverse(5n, one) - arctanOfInverse(239n, one))) >> guard
}

function arctanOfInverse(x: bigint, one: bigint): bigint {
  let sum = 0n
  let sign = 1n
  for (let term = one / x, n = 1n; term !== 0n; term /= x * x, n += 2n, sign = -sign) sum += (sign * term) / n
  return sum
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus
    if (bit === '1') result = (result * base) % modulus
  }
  return result
}

const mpint = (magnitude: Buffer): Buffer => new Writer().mpint(magnitude).finish()

const toBigInt = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)

function evenHex(value: bigint): string {
  const digits = value.toString(16)
  return digits.length % 2 === 0 ? digits : `0${digits}`
}
