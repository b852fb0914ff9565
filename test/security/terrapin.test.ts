/**
 * CVE-2023-48795 (Terrapin): someone on the path puts messages into the key exchange that count, or takes the first ones
 * after it away. OpenSSH's PROTOCOL 1.10 answers with strict key exchange: nothing else in it, and numbers from 0 after it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outbound } from '#src/transport/outbound.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeIgnore, encodeUnimplemented } from '#src/wire/transport-messages.js'
import { Writer } from '#src/wire/writer.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import { corePair, scriptedServer } from '../support/core/pair.js'
import { Random } from '../support/core/random.js'

const random = new Random(48795)
const none = Buffer.alloc(0)

/** One packet as it goes before the keys. */
function plain(payload: Buffer): Buffer {
  const outbound = new Outbound({ randomBytes: random.bytes })
  outbound.send(payload)
  return Buffer.concat(outbound.take())
}

/** Puts bytes into a stream before the packet that begins with `number`; what goes under keys is not looked at. */
function injectBefore(number: number, injected: Buffer): (bytes: Buffer) => Buffer[] {
  let stage: 'identification' | 'packets' | 'done' = 'identification'
  return (bytes) => {
    const pieces: Buffer[] = []
    let rest = bytes
    if (stage === 'identification') {
      const end = rest.indexOf('\n') + 1
      pieces.push(rest.subarray(0, end))
      rest = rest.subarray(end)
      stage = 'packets'
    }
    while (stage === 'packets' && rest.length > 0) {
      if (rest[5] === number) {
        pieces.push(injected)
        stage = 'done'
      }
      const size = 4 + rest.readUInt32BE(0)
      pieces.push(rest.subarray(0, size))
      rest = rest.subarray(size)
    }
    return [...pieces, rest].filter((piece) => piece.length > 0)
  }
}

for (const [name, message] of [
  ['IGNORE', encodeIgnore(none)],
  ['UNIMPLEMENTED', encodeUnimplemented(0)],
  ['a message of the range of the key exchange that has no meaning', Buffer.of(25)],
  ['a message of a number that has no meaning', Buffer.of(9)],
  ['a message 0', Buffer.of(0)],
  ['a message for local use', Buffer.of(200)],
] as const) {
  for (const before of [messageNumber.KEXINIT, 31, messageNumber.NEWKEYS]) {
    test(`CVE-2023-48795: ${name} in a strict key exchange, before message ${before}, ends the connection`, async () => {
      const { time, client, toClient } = corePair()
      toClient.carry = injectBefore(before, plain(message))
      const { error } = await time.failure(client.connection.ready, 1000)
      assert.equal(error.code, 'ERR_SSH_PROTOCOL')
      assert.match(error.message, /strict key exchange|key exchange had ended/)
      nothingLeft(client)
    })
  }
}

test('CVE-2023-48795: what came before a KEXINIT that turns out to be strict is named', async () => {
  const { time, client, toClient } = corePair()
  const debug = new Writer().byte(messageNumber.DEBUG).boolean(false).string('').string('').finish()
  toClient.carry = injectBefore(messageNumber.KEXINIT, plain(debug))
  const { error } = await time.failure(client.connection.ready, 1000)
  assert.match(error.message, /^DEBUG came in a strict key exchange/)
})

test('CVE-2023-48795: a packet taken away after a strict key exchange is noticed at the next one', async () => {
  const { time, client, server } = scriptedServer({ script: { extensions: new Map([['server-sig-algs', none]]) } })
  let dropped = false
  // What the server sends next is lost, as if it had been cut out; what comes after it has another number than expected.
  server.before = (payload) => {
    if (payload[0] !== messageNumber.SERVICE_REQUEST || dropped) return false
    dropped = true
    server.lose(encodeIgnore(none))
    return false
  }
  server.start()
  const { error } = await time.failure(client.connection.ready, 1000)
  assert.equal(error.code, 'ERR_SSH_PROTOCOL')
  assert.match(error.message, /^packet 1/)
  nothingLeft(client)
})

test('CVE-2023-48795: numbers begin at 0 after every strict key exchange, so that nothing from before can shift them', async () => {
  const { time, client, server } = corePair()
  await time.value(client.connection.ready, 1000)
  for (let round = 0; round < 5; round++) await time.value(client.connection.rekey(), 1000)
  await time.value(server.connection.rekey(), 1000)
  const { error } = await time.failure(client.connection.globalRequest('still-understood', none), 1000)
  assert.equal(error.code, 'ERR_SSH_REQUEST_REFUSED')
  assert.equal(client.connection.negotiated?.strictKex, true)
})

test('CVE-2023-48795: a peer without strict key exchange may say IGNORE in it, and is told apart', async () => {
  const { time, client, server } = scriptedServer({ script: { strict: false } })
  server.start()
  server.send(encodeIgnore(none))
  await time.value(client.connection.ready, 1000)
  assert.equal(client.connection.negotiated?.strictKex, false)
})

for (const cipher of ['chacha20-poly1305@openssh.com', 'aes256-cbc'] as const) {
  test(`CVE-2023-48795: ${cipher}, which the attack needs, is refused without strict key exchange`, async () => {
    const offer = { cipherClientToServer: [cipher], cipherServerToClient: [cipher] }
    const { time, client, server } = scriptedServer({ script: { strict: false, offer } })
    server.start()
    const { error } = await time.failure(client.connection.ready, 1000)
    assert.equal(error.code, 'ERR_SSH_NEGOTIATION')
    nothingLeft(client)
  })
}

test('CVE-2023-48795: what the first KEXINIT says of strictness holds for every later one', async () => {
  const { time, client, server } = scriptedServer()
  server.start()
  await time.value(client.connection.ready, 1000)
  await time.value(client.connection.rekey(), 1000)
  await time.run(100)
  server.beginExchange()
  await time.run(100)
  assert.equal(server.exchangesDone, 3)
  assert.equal(endedBy(client), undefined)
})
