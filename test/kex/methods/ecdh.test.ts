import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import type { KexMethod, RandomBytes } from '#src/kex/method.js'
import { kexMethods } from '#src/kex/methods.js'
import { ecdhMessages } from '#src/wire/kex-method-messages.js'
import { hex, readVectors } from '../../support/vectors.js'
import { exchange, hostKey, seeded, signature } from './support.js'

const { curves } = readVectors(
  'ecdh',
  v.object({
    curves: v.array(
      v.object({ method: v.string(), i: v.string(), iPublic: v.string(), r: v.string(), shared: v.string() }),
    ),
  }),
)

for (const { method: name, i, iPublic, r, shared } of curves) {
  const method = methodNamed(name)
  const fieldBytes = i.length / 2
  const xOfShare = (random: RandomBytes) =>
    ecdhMessages.decodeInit(method.client(random).start()).subarray(1, 1 + fieldBytes)
  const givingScalar = (scalar: string) => randomFor(BigInt(`0x${scalar}`))

  test(`${name} gives the values of RFC 5903 section 8`, () => {
    const { client, wire } = exchange(method, givingScalar(i), givingScalar(r))
    assert.equal(clientShare(wire).toString('hex'), `04${iPublic}`)
    assert.equal(client.secret.toString('hex').slice(-shared.length), shared)
  })

  test(`${name}: scalars go up to the order of the base point, and no further`, () => {
    const xOfBasePoint = xOfShare(randomFor(1n))
    // -1 times the base point has the same x; the next scalar after the last is 1 again.
    const last = orderOf(name) - 1n
    assert.deepEqual(xOfShare(randomFor(last)), xOfBasePoint)
    assert.deepEqual(xOfShare(randomFor(last + 1n)), xOfBasePoint)
    assert.notDeepEqual(xOfShare(randomFor(last - 1n)), xOfBasePoint)
  })

  test(`${name} refuses what is no point of the curve, in both roles`, () => {
    const good = clientShare(exchange(method).wire)
    const offCurve = Buffer.from(good)
    offCurve[offCurve.length - 1] = offCurve.readUInt8(offCurve.length - 1) ^ 1
    const compressed = Buffer.concat([
      Buffer.of(2 + (good.readUInt8(good.length - 1) & 1)),
      good.subarray(1, 1 + fieldBytes),
    ])
    const outOfField = Buffer.alloc(good.length, 0xff)
    outOfField[0] = 4
    const hybrid = Buffer.from(good)
    hybrid[0] = 6 + (good.readUInt8(good.length - 1) & 1)
    const origin = Buffer.alloc(good.length)
    origin[0] = 4
    const infinity = Buffer.of(0)
    const none = Buffer.alloc(0)
    const bad = [offCurve, compressed, outOfField, hybrid, origin, infinity, none, good.subarray(0, -1)]
    for (const share of bad) {
      const server = method.server(seeded('server'))
      assert.throws(() => server.receive(ecdhMessages.encodeInit(share)), {
        code: 'ERR_SSH_PROTOCOL',
        message: /Q_C is not/,
      })
      const client = method.client(seeded('client'))
      const reply = ecdhMessages.encodeReply({ hostKey, share, signature })
      assert.throws(() => client.receive(reply), { code: 'ERR_SSH_PROTOCOL', message: /Q_S is not/ })
    }
  })
}

function methodNamed(name: string): KexMethod {
  const method = kexMethods.get(name)
  assert.ok(method !== undefined, name)
  return method
}

function clientShare(wire: readonly Buffer[]): Buffer {
  return ecdhMessages.decodeInit(wire[0] ?? Buffer.alloc(0))
}

/** A source whose bytes make this scalar: one is added to what comes from it. */
function randomFor(scalar: bigint) {
  return (size: number) => hex((scalar - 1n).toString(16).padStart(size * 2, '0'))
}

/** SEC 2 section 2: the orders, as their distance from a power of two. */
function orderOf(name: string): bigint {
  if (name.endsWith('256')) return 2n ** 256n - 2n ** 224n + 2n ** 192n - 0x4319055258e8617b0c46353d039cdaafn
  if (name.endsWith('384')) return 2n ** 384n - 0x389cb27e0bc8d220a7e5f24db74f58851313e695333ad68dn
  return 2n ** 521n - 0x5ae79787c40d069948033feb708f65a2fc44a36477663b851449048e16ec79bf7n
}
