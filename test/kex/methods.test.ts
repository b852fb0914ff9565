import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { kexMethods } from '#src/kex/methods.js'
import { exchange, hostKey, seeded, signature } from './methods/support.js'

for (const [name, method] of kexMethods) {
  describe(name, () => {
    test('both sides agree on secret and hash fields', () => {
      const { client, server } = exchange(method, randomBytes, randomBytes)
      assert.deepEqual(client.secret, server.secret)
      assert.deepEqual(client.hashFields, server.hashFields)
      assert.equal(client.secret.readUInt32BE(), client.secret.length - 4)
    })

    test('hands on host key and signature as they came', () => {
      const { client } = exchange(method)
      assert.deepEqual(client.hostKey, hostKey)
      assert.deepEqual(client.signature, signature)
    })

    test('no two exchanges share a secret', () => {
      const once = exchange(method, randomBytes, randomBytes)
      const again = exchange(method, randomBytes, randomBytes)
      assert.notDeepEqual(once.client.secret, again.client.secret)
    })

    test('refuses another message, a cut one, a longer one, and one after the end', () => {
      const refused = { code: 'ERR_SSH_PROTOCOL' }
      const [init, answer] = exchange(method).wire
      assert.ok(init !== undefined && answer !== undefined)
      for (const damaged of damagedForms(init)) {
        assert.throws(() => method.server(seeded('server')).receive(damaged), refused)
      }
      for (const damaged of damagedForms(answer)) {
        const client = method.client(seeded('client'))
        client.start()
        assert.throws(() => client.receive(damaged), refused)
      }
      const client = method.client(seeded('client'))
      client.start()
      client.receive(answer)
      assert.throws(() => client.receive(answer), refused)
      const server = method.server(seeded('server'))
      server.receive(init)
      assert.throws(() => server.receive(init), refused)
    })
  })
}

function damagedForms(message: Buffer): Buffer[] {
  const otherNumber = Buffer.from(message)
  otherNumber[0] = 20
  return [
    Buffer.alloc(0),
    otherNumber,
    message.subarray(0, 1),
    message.subarray(0, -1),
    Buffer.concat([message, Buffer.alloc(1)]),
  ]
}

for (const [name, method] of kexMethods) {
  test(`${name} takes all its randomness from the source handed in`, () => {
    const { client, wire } = exchange(method)
    const again = exchange(method)
    assert.deepEqual(again.wire, wire)
    assert.deepEqual(again.client, client)
    assert.notDeepEqual(exchange(method, seeded('another client')).wire.at(-2), wire.at(-2))
    assert.notDeepEqual(exchange(method, seeded('client'), seeded('another server')).wire.at(-1), wire.at(-1))
  })
}
