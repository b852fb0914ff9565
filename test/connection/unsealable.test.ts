/** A packet that cannot be sealed ends its connection, whoever sends it, and nothing else: no call throws, nothing is unhandled. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { HoldfastError } from 'holdfast'
import type { Channel } from '#src/connection/channel.js'
import { messageNumber } from '#src/wire/numbers.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import type { CoreEnd } from '../support/core/core-end.js'
import { loggedIn, NotingSink, scriptedServer } from '../support/core/pair.js'
import { breakSealers, cryptoFailure, unsealable } from '../support/core/unsealable.js'

const none = Buffer.alloc(0)

interface Situation {
  readonly client: CoreEnd
  readonly channel: Channel
}

interface Row {
  readonly name: string
  readonly message: keyof typeof messageNumber
  /** The call that sends it; nothing where it is sent by itself. @returns what is to be rejected */
  readonly act?: (situation: Situation) => unknown
  /** How long it takes until it is sent by itself. */
  readonly afterMs?: number
}

const sink = (channel: Channel) => new NotingSink(channel)

const rows: readonly Row[] = [
  { name: 'data', message: 'CHANNEL_DATA', act: ({ channel }) => channel.write(Buffer.from('x')) },
  { name: 'end of data', message: 'CHANNEL_EOF', act: ({ channel }) => channel.eof() },
  { name: 'a signal', message: 'CHANNEL_REQUEST', act: ({ channel }) => channel.notify('signal', none) },
  { name: 'a request', message: 'CHANNEL_REQUEST', act: ({ channel }) => channel.request('exec', none) },
  { name: 'an open', message: 'CHANNEL_OPEN', act: ({ client }) => client.connection.open('session', none, sink) },
  {
    name: 'a global request',
    message: 'GLOBAL_REQUEST',
    act: ({ client }) => client.connection.globalRequest('x', none),
  },
  { name: 'a key exchange', message: 'KEXINIT', act: ({ client }) => client.connection.rekey() },
  { name: 'CLOSE', message: 'CHANNEL_CLOSE', act: ({ channel }) => channel.beginClose() },
  { name: 'an empty message', message: 'IGNORE', act: ({ client }) => client.connection.acknowledgement.send() },
  { name: 'a keepalive', message: 'PING', afterMs: 60_000 },
  { name: 'a key exchange after an hour', message: 'KEXINIT', afterMs: 3_600_000 },
]

afterEach(() => unsealable.clear())

async function situation() {
  const { time, client, server } = await loggedIn({
    script: { identification: 'SSH-2.0-OpenSSH_9.9', extensions: new Map([['ping@openssh.com', Buffer.from('0')]]) },
  })
  const channel = await time.value(client.connection.open('session', none, sink), 1000)
  return { time, client, server, channel }
}

for (const { name, message, act = () => {}, afterMs = 0 } of rows) {
  test(`${name} that cannot be sealed`, async () => {
    const { time, client, server, channel } = await situation()
    server.before = ([number]) => number === messageNumber.GLOBAL_REQUEST
    const pending = client.connection.globalRequest('pending', none)
    await time.run(10)
    unsealable.add(messageNumber[message])
    const from = server.heard.length
    const asked = act({ client, channel })
    if (asked instanceof Promise) assert.equal((await time.failure(asked, 10)).error.code, 'ERR_SSH_INTERNAL')
    await time.run(afterMs + 1000)
    assert.equal(endedBy(client), 'ERR_SSH_INTERNAL')
    assert.equal(client.cause?.cause, cryptoFailure)
    assert.equal(server.complaint, undefined)
    assert.ok(server.heard.slice(from).every(([number]) => number !== messageNumber[message]))
    assert.equal((await time.outcome(pending, 10)).status, 'rejected')
    nothingLeft(client)
  })
}

test('data that cannot be sealed is not called sent', async () => {
  const { time, client, channel } = await situation()
  unsealable.add(messageNumber.CHANNEL_DATA)
  const told: string[] = []
  channel.write(Buffer.from('x'), () => told.push('sent'))
  await time.run(1000)
  assert.equal(endedBy(client), 'ERR_SSH_INTERNAL')
  assert.deepEqual(told, [])
  nothingLeft(client)
})

test('a goodbye that cannot be sealed: the connection is closed without', async () => {
  const { time, client, server } = await situation()
  unsealable.add(messageNumber.DISCONNECT)
  await time.value(client.connection.close(2000), 10)
  await time.run(10)
  assert.equal(endedBy(client), 'ERR_SSH_CLOSED')
  assert.ok(server.closed !== undefined)
  nothingLeft(client)
})

test('a reproach that cannot be sealed: the connection ends with what the peer did', async () => {
  const { time, client, server } = await situation()
  unsealable.add(messageNumber.DISCONNECT)
  client.connection.destroy(new HoldfastError('ERR_SSH_PROTOCOL', 'for a test'))
  await time.run(10)
  assert.equal(endedBy(client), 'ERR_SSH_PROTOCOL')
  assert.ok(server.closed !== undefined)
  nothingLeft(client)
})

test('keys that cannot be made once the host is trusted', async (t) => {
  let made = 0
  breakSealers(() => {
    // The server makes its own first.
    if (++made === 2) throw cryptoFailure
  })
  t.after(() => breakSealers(() => {}))
  const { time, client, server } = scriptedServer()
  server.start()
  assert.equal((await time.failure(client.connection.ready, 1000)).error.code, 'ERR_SSH_INTERNAL')
  nothingLeft(client)
})

test('what waits for the end of a key exchange and cannot be sealed then', async () => {
  const { time, client, channel } = await situation()
  const rekeyed = client.connection.rekey()
  unsealable.add(messageNumber.CHANNEL_REQUEST)
  const asked = channel.request('exec', none)
  await time.outcome(rekeyed, 1000)
  assert.equal((await time.failure(asked, 1000)).error.code, 'ERR_SSH_INTERNAL')
  nothingLeft(client)
})

test('what was sealed before and waits goes nowhere either, as its sender is told', async () => {
  const { time, client, channel } = await situation()
  client.kernelTakes = false
  let isHandedOut = false
  const asked = channel.request('exec', none, { handedOut: () => (isHandedOut = true) })
  asked.catch(() => {})
  await time.run(10)
  unsealable.add(messageNumber.CHANNEL_EOF)
  channel.eof()
  // In the turn in which the kernel took what went before, the driver writes on.
  assert.equal(client.connection.takeOutput().length > 0, isHandedOut)
})

test('a key exchange that cannot be begun', async () => {
  const { time, client } = await situation()
  client.randomBytes = () => {
    throw cryptoFailure
  }
  assert.equal((await time.failure(client.connection.rekey(), 10)).error.code, 'ERR_SSH_INTERNAL')
})
