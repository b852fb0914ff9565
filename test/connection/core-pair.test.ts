import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corePair, NotingSink } from '../support/core/pair.js'
import { inPieces } from '../support/core/stream.js'

const none = Buffer.alloc(0)
const nothing = { deadlines: 0, waits: 0, channels: 0 }

for (const size of [1, 7, 1_000_000]) {
  test(`two cores connect, run a command, exchange keys anew and close, in pieces of ${size} bytes`, async () => {
    const { time, client, server, toServer, toClient } = corePair({
      server: {
        handlers: {
          channelOpen: () => ({ accept: (channel) => new NotingSink(channel) }),
          globalRequest: (_name, data) => Buffer.from(data),
        },
      },
    })
    toServer.carry = inPieces(size)
    toClient.carry = inPieces(size)
    await time.value(client.connection.ready, 5000)
    assert.deepEqual(await time.value(client.connection.globalRequest('echo', Buffer.from('x')), 50), Buffer.from('x'))
    const channel = await time.value(
      client.connection.open('session', none, (opened) => new NotingSink(opened)),
      50,
    )
    await time.value(channel.request('exec', none), 50)
    channel.write(Buffer.alloc(100_000, 1))
    await time.value(client.connection.rekey(), 50)
    assert.equal([...server.connection.channels].length, 1)
    channel.eof()
    await time.value(channel.close(), 50)
    await time.value(client.connection.close(2000), 50)
    await time.run(50)
    assert.equal(client.cause?.code, 'ERR_SSH_CLOSED')
    assert.equal(server.cause?.code, 'ERR_SSH_DISCONNECTED')
    assert.deepEqual(client.leftovers, nothing)
    assert.deepEqual(server.leftovers, nothing)
  })
}

test('the same seed sends the same bytes', async () => {
  const said: number[] = []
  for (const seed of [7, 7, 8]) {
    const { time, client, toServer } = corePair({ seed })
    let sum = 0
    toServer.carry = (bytes) => {
      for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0
      return [bytes]
    }
    await time.value(client.connection.ready, 5000)
    said.push(sum)
  }
  const [first, second, third] = said
  assert.equal(first, second)
  assert.notEqual(first, third)
})
