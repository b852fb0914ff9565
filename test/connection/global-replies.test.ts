import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corePair } from '../support/core/pair.js'

/** Replies by the text of the request; those of `later` when the test says so. */
async function world() {
  const later = new Map<string, (reply: Buffer | undefined) => void>()
  const pair = corePair({
    server: {
      handlers: {
        channelOpen: () => ({ refuse: 1, description: '' }),
        globalRequest: (name, data) => {
          if (name !== 'later') return name === 'never' ? undefined : Buffer.from(data)
          return new Promise((resolve) => void later.set(data.toString(), resolve))
        },
      },
    },
  })
  await pair.time.value(pair.client.connection.ready, 5000)
  const order: string[] = []
  const ask = (name: string, text: string): void => {
    pair.client.connection.globalRequest(name, Buffer.from(text)).then(
      (reply) => order.push(`${text} ${reply.toString()}`),
      (error: unknown) => order.push(`${text} ${(error as { code: string }).code}`),
    )
  }
  return { ...pair, later, order, ask }
}

test('replies go out in the order of the requests, whichever is known first', async () => {
  const { time, later, order, ask } = await world()
  ask('later', 'a')
  ask('now', 'b')
  ask('never', 'c')
  ask('later', 'd')
  ask('now', 'e')
  await time.run(100)
  later.get('d')?.(undefined)
  await time.run(100)
  assert.deepEqual(order, [])
  later.get('a')?.(Buffer.from('at last'))
  await time.run(100)
  assert.deepEqual(order, ['a at last', 'b b', 'c ERR_SSH_REQUEST_REFUSED', 'd ERR_SSH_REQUEST_REFUSED', 'e e'])
})

test('a reply that is known after the end goes nowhere', async () => {
  const { time, later, client, server, ask, order } = await world()
  ask('later', 'a')
  await time.run(100)
  await time.value(client.connection.close(2000), 5000)
  later.get('a')?.(Buffer.from('too late'))
  await time.run(100)
  assert.deepEqual(order, ['a ERR_SSH_CLOSED'])
  assert.deepEqual(server.leftovers, { deadlines: 0, waits: 0, channels: 0 })
})

test('a reply that no packet can take ends the connection', async () => {
  const { time, later, server, ask } = await world()
  ask('later', 'a')
  await time.run(100)
  later.get('a')?.(Buffer.alloc(1_000_000))
  await time.run(100)
  assert.equal(server.cause?.code, 'ERR_SSH_PROTOCOL')
})
