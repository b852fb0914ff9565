import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corePair, NotingSink } from '../support/core/pair.js'

const none = Buffer.alloc(0)

function pairWith(software: string) {
  return corePair({
    server: {
      identification: `SSH-2.0-${software}`,
      handlers: {
        channelOpen: () => ({ accept: (channel) => new NotingSink(channel) }),
        globalRequest: () => undefined,
      },
    },
  })
}

test('OpenSSH gets an acknowledgement that carries nothing until it has started a program, and one at a time', async () => {
  const { time, client, server } = pairWith('OpenSSH_9.2p1')
  assert.ok(
    !client.connection.acknowledgement.isAwaited,
    'in the first key exchange strict KEX forbids every other message',
  )
  await time.value(client.connection.ready, 5000)
  await time.run(100)
  assert.ok(!client.connection.acknowledgement.isAwaited, 'nobody waits for what it has still to say')
  const opening = client.connection.open('session', none, (opened) => new NotingSink(opened))
  assert.ok(client.connection.acknowledgement.isAwaited)
  const channel = await time.value(opening, 50)
  assert.ok(client.connection.acknowledgement.isAwaited, 'whatever is on the channel may be waited for')
  client.connection.acknowledgement.send()
  const [bytes = none, ...others] = client.connection.takeOutput()
  assert.ok(bytes.length > 0)
  client.connection.acknowledgement.send()
  assert.deepEqual(client.connection.takeOutput(), [], 'the kernel has not taken the first')
  client.connection.kernelTook(Buffer.concat([bytes, ...others]).length)
  server.connection.receive(Buffer.concat([bytes, ...others]))

  await time.value(channel.request('exec', none), 50)
  assert.ok(!client.connection.acknowledgement.isAwaited)
  client.connection.acknowledgement.send()
  assert.deepEqual(client.connection.takeOutput(), [])
  assert.equal(server.cause, undefined)
})

test('no other peer gets one: it has shown no need of it, and some choke on what they do not expect', async () => {
  const { time, client } = pairWith('Elsewhere_1')
  await time.value(client.connection.ready, 5000)
  assert.ok(!client.connection.acknowledgement.isAwaited)
})
