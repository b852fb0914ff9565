import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import { checkProofs, decodeHostKeys, encodeHostKeys, encodeProofs, planRotation } from '#src/keys/host-key-rotation.js'
import { namesHost, parseKnownHosts } from '#src/keys/known-hosts.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import type { PublicKey } from '#src/keys/public-key.js'
import { Writer } from '#src/wire/writer.js'

const sessionId = Buffer.alloc(32, 5)
const own = [
  generatePrivateKey('ssh-ed25519'),
  generatePrivateKey('ecdsa-sha2-nistp256'),
  generatePrivateKey('ssh-rsa'),
]
const keys = own.map(({ publicKey }) => publicKey)
const [first, second] = keys as [PublicKey, PublicKey, PublicKey]

test('a host proves that its keys are its own, in this connection only', () => {
  const request = encodeHostKeys(keys)
  const asked = decodeHostKeys(request)
  assert.deepEqual(
    asked.map(({ blob }) => blob),
    keys.map(({ blob }) => blob),
  )
  const reply = encodeProofs(request, own, sessionId)
  assert.ok(reply)
  checkProofs(reply, asked, sessionId)
  const wrong = { code: 'ERR_SSH_HOST_KEY_SIGNATURE', message: /did not prove .* ssh-ed25519 SHA256:/ }
  assert.throws(() => checkProofs(reply, asked, Buffer.alloc(32, 6)), wrong)
  assert.throws(() => checkProofs(reply, asked.toReversed(), sessionId), { code: 'ERR_SSH_HOST_KEY_SIGNATURE' })
  assert.throws(() => checkProofs(reply, asked.slice(0, 2), sessionId), { code: 'ERR_SSH_PROTOCOL' })
  assert.throws(() => checkProofs(reply.subarray(0, -1), asked, sessionId), { code: 'ERR_SSH_PROTOCOL' })
})

test('a proof by SHA-1 is none', () => {
  const rsa = generatePrivateKey('ssh-rsa')
  const signed = new Writer()
    .string('hostkeys-prove-00@openssh.com')
    .string(sessionId)
    .string(rsa.publicKey.blob)
    .finish()
  for (const [algorithm, proves] of [
    ['ssh-rsa', false],
    ['rsa-sha2-256', true],
  ] as const) {
    const reply = new Writer().string(rsa.sign(algorithm, signed)).finish()
    if (proves) checkProofs(reply, [rsa.publicKey], sessionId)
    else assert.throws(() => checkProofs(reply, [rsa.publicKey], sessionId), { code: 'ERR_SSH_HOST_KEY_SIGNATURE' })
  }
})

test('a server proves nothing for keys that are not its own', () => {
  const stranger = generatePrivateKey('ssh-ed25519').publicKey
  assert.equal(encodeProofs(encodeHostKeys([first, stranger]), own, sessionId), undefined)
})

test('a list of keys is bounded, and may hold repetitions and types that we lack', () => {
  const unknown = new Writer().string('ssh-future').string('x').finish()
  const data = new Writer().string(unknown).string(first.blob).finish()
  assert.deepEqual(
    decodeHostKeys(data).map(({ type }) => type),
    ['ssh-ed25519'],
  )
  assert.equal(decodeHostKeys(encodeHostKeys([first, second, first])).length, 2)
  const many = new Writer()
  for (let index = 0; index < 65; index++) many.string(Buffer.of(index))
  assert.throws(() => decodeHostKeys(many.finish()), { code: 'ERR_SSH_PROTOCOL', message: /more than 64/ })
})

test('no bytes make the decoders throw anything but a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of [decodeHostKeys, (data: Buffer) => checkProofs(data, keys, sessionId)]) {
        try {
          decode(Buffer.from(bytes))
        } catch (error) {
          assert.ok(error instanceof HoldfastError)
        }
      }
    }),
  )
})

test('the plan: new keys need a proof, keys that the host no longer has go', () => {
  const plan = planFor(`db1 ${line(first)}\ndb1 ${line(second)}\ndb2 ${line(second)}`, [first])
  assert.equal(plan, undefined, 'db2 shares the key that would go')
  assert.equal(
    planFor(`db1 ${line(first)}\ndb2 ${line(first)}`, [first, second]),
    undefined,
    'db2 shares the key that stays',
  )
  assert.ok(planFor(`db1,10.0.0.5 ${line(first)}`, [first, second]), 'name and address, as ssh writes them')
  const simple = planFor(
    `db1 ${line(first)}\ndb1 ${line(second)}`,
    keys.filter((key) => key !== second),
  )
  assert.deepEqual(
    simple?.obsolete.map((entry) => entry.line),
    [2],
  )
  assert.deepEqual(
    simple?.unproven.map(({ type }) => type),
    ['ssh-rsa'],
  )
  assert.equal(planFor(`db1 ${line(first)}`, [first]), undefined, 'nothing to do')
})

test('the plan leaves alone what a person has written', () => {
  for (const text of [
    `db1,db1.example.com,10.0.0.5 ${line(first)}`,
    `db* ${line(first)}`,
    `db1 ${line(first)}\n@cert-authority db1 ${line(second)}`,
    `db1 ${line(first)}\n@revoked db1 ${line(second)}`,
    `db1 ${line(second)}`,
    `db2 ${line(first)}`,
    '',
  ]) {
    assert.equal(planFor(text, [first, ...keys.slice(2)]), undefined, text)
  }
})

function planFor(text: string, offered: readonly PublicKey[]): ReturnType<typeof planRotation> {
  const { entries } = parseKnownHosts(text, 'kh')
  const named = entries.filter(({ hosts }) => namesHost(hosts, 'db1'))
  return planRotation(entries, named, offered)
}

function line(key: PublicKey): string {
  return `${key.type} ${key.blob.toString('base64')}`
}
