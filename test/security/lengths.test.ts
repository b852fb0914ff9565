/** Lengths, counts and paddings that lie: what overflowed the memory, or the processor time, of other clients. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import { decodeIdentities } from '#src/keys/agent.js'
import { parsePublicKey } from '#src/keys/public-key.js'
import { Inbound } from '#src/transport/inbound.js'
import { decodeInfoRequest, decodeInfoResponse } from '#src/wire/auth-messages.js'
import { encodeWindowAdjust } from '#src/wire/connection-messages.js'
import { decodeKexInit } from '#src/wire/kex-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { decodeExitSignal, decodeExitStatus } from '#src/wire/session-messages.js'
import { decodeDisconnect, decodeExtInfo } from '#src/wire/transport-messages.js'
import { Writer } from '#src/wire/writer.js'
import { endedBy, nothingLeft } from '../support/core/checks.js'
import { loggedIn, NotingSink, scriptedServer } from '../support/core/pair.js'
import { processorMs } from '../support/core/processor-time.js'

const none = Buffer.alloc(0)
const huge = 0xffff_ffff

const protocolError = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HoldfastError)
  assert.equal(error.code, 'ERR_SSH_PROTOCOL')
  assert.match(error.message, pattern)
  return true
}

/** What the receiving direction makes of these bytes, after an identification. */
function receive(...bytes: Buffer[]): Buffer[] {
  const payloads: Buffer[] = []
  const inbound = new Inbound({ identified: () => {}, packet: (payload) => payloads.push(payload) })
  inbound.receive(Buffer.from('SSH-2.0-x\r\n'))
  for (const chunk of bytes) inbound.receive(chunk)
  return payloads
}

function packet({ length, padding, rest }: { length: number; padding: number; rest: number }): Buffer {
  return new Writer().uint32(length).byte(padding).bytes(Buffer.alloc(rest)).finish()
}

for (const [cve, what, bytes, pattern] of [
  [
    'CVE-2019-3855 and CVE-2026-55200',
    'a packet length of 2^32 - 1',
    packet({ length: huge, padding: 4, rest: 11 }),
    /^packet 0: length is 4294967295/,
  ],
  [
    'CVE-2019-3855',
    'a packet length beyond the bound',
    packet({ length: 262_148, padding: 4, rest: 11 }),
    /^packet 0: length/,
  ],
  ['CVE-2019-3858', 'a packet length of 0', packet({ length: 0, padding: 4, rest: 11 }), /^packet 0: length is 0/],
  [
    'CVE-2019-3861',
    'a padding longer than the packet',
    packet({ length: 12, padding: 255, rest: 11 }),
    /^packet 0: padding length is 255/,
  ],
  [
    'CVE-2019-3861',
    'a padding that leaves no payload',
    packet({ length: 12, padding: 11, rest: 11 }),
    /^packet 0: padding length is 11/,
  ],
  [
    'RFC 4253 section 6',
    'a padding below 4',
    packet({ length: 12, padding: 3, rest: 11 }),
    /^packet 0: padding length is 3/,
  ],
  [
    'RFC 4253 section 6',
    'a length that is no multiple of the block',
    packet({ length: 13, padding: 4, rest: 12 }),
    /^packet 0: length is 13/,
  ],
] as const) {
  test(`${cve}: ${what} ends the connection`, () => {
    assert.throws(() => receive(bytes), protocolError(pattern))
    // The same in pieces, as a slow peer sends it.
    assert.throws(() => receive(...[...bytes].map((byte) => Buffer.of(byte))), protocolError(pattern))
  })
}

test('CVE-2019-3855: a packet that never ends takes no more memory than it may be long', () => {
  const before = process.memoryUsage().arrayBuffers
  receive(packet({ length: 262_140, padding: 4, rest: 11 }), ...Array.from({ length: 100 }, () => Buffer.alloc(2000)))
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * 2 ** 20)
})

test('CVE-2019-3856 and CVE-2019-3863: the number of prompts and answers is bounded, whatever it says it is', () => {
  const form = new Writer().byte(60).string('').string('').string('').uint32(huge).finish()
  assert.throws(() => decodeInfoRequest(form), protocolError(/INFO_REQUEST: num-prompts/))
  const answers = new Writer().byte(61).uint32(huge).finish()
  assert.throws(() => decodeInfoResponse(answers), protocolError(/INFO_RESPONSE: num-responses/))
})

test('CVE-2019-3857 and CVE-2019-3862: exit-signal and exit-status that are cut short are refused by name', () => {
  assert.throws(() => decodeExitStatus(Buffer.alloc(3)), protocolError(/exit.status/))
  assert.throws(() => decodeExitStatus(none), protocolError(/exit.status/))
  assert.throws(
    () => decodeExitSignal(new Writer().uint32(huge).bytes(Buffer.from('TERM')).finish()),
    protocolError(/exit.signal/),
  )
})

test('CVE-2019-17498: a DISCONNECT whose description is longer than it is refused by name', () => {
  const message = new Writer().byte(messageNumber.DISCONNECT).uint32(2).uint32(huge).finish()
  assert.throws(() => decodeDisconnect(message), protocolError(/^DISCONNECT: description needs 4294967295 bytes/))
})

test('CVE-2026-55199: a count of extensions that lies costs no time', () => {
  const message = new Writer().byte(messageNumber.EXT_INFO).uint32(huge).finish()
  const began = process.hrtime.bigint()
  assert.throws(() => decodeExtInfo(message), protocolError(/^EXT_INFO: nr-extensions is 4294967295/))
  assert.ok(process.hrtime.bigint() - began < 1_000_000_000n)
})

test('CVE-2019-3855 and its like: a window that is adjusted beyond 2^32 - 1 ends the connection, at once or bit by bit', async () => {
  for (const step of [huge, 2 ** 31]) {
    const { time, client, server } = await loggedIn()
    const channel = await time.value(
      client.connection.open('session', none, (opened) => new NotingSink(opened)),
      100,
    )
    const adjust = encodeWindowAdjust(channel.localId, step)
    server.send(adjust, adjust)
    await time.run(10)
    assert.equal(endedBy(client), 'ERR_SSH_PROTOCOL')
    assert.match(client.cause?.message ?? '', /^CHANNEL_WINDOW_ADJUST/)
    nothingLeft(client)
  }
})

function kexInit(kexAlgorithms: string): Buffer {
  const head = new Writer().byte(messageNumber.KEXINIT).bytes(Buffer.alloc(16))
  return head.string(kexAlgorithms).bytes(Buffer.alloc(200)).finish()
}

test('lists of names without end, or of names without letters, are refused by the name of the list', () => {
  const field = 'kex_algorithms'
  assert.throws(() => decodeKexInit(kexInit('a,'.repeat(100_000).slice(0, -1))), protocolError(new RegExp(field)))
  assert.throws(() => decodeKexInit(kexInit(','.repeat(1000))), protocolError(new RegExp(field)))
  assert.throws(() => decodeKexInit(kexInit('a\u0000b')), protocolError(new RegExp(field)))
})

test('a KEXINIT as long as a packet may be costs little time, and its names do not fill the error', async () => {
  const name = 'x'.repeat(200)
  const kex = Array.from({ length: 999 }, (_, index) => `${name}${index}`)
  const { time, client, server } = scriptedServer({ script: { offer: { kex } } })
  const began = process.cpuUsage()
  server.start()
  const { error } = await time.failure(client.connection.ready, 100)
  const { user, system } = process.cpuUsage(began)
  assert.equal(error.code, 'ERR_SSH_NEGOTIATION')
  assert.ok(error.message.length < 3000, `${error.message.length} characters`)
  assert.ok((user + system) / 1000 < 1000)
  nothingLeft(client)
})

test('CVE-2026-39829: an RSA key longer than any that is used is refused before anything is computed with it', () => {
  const modulus = Buffer.alloc(4096, 0xff)
  const blob = new Writer(8192)
    .string('ssh-rsa')
    .mpint(Buffer.of(1, 0, 1))
    .mpint(modulus)
    .finish()
  const tookMs = processorMs(() =>
    assert.throws(
      () => parsePublicKey(blob),
      (error: unknown) => error instanceof HoldfastError && error.code === 'ERR_SSH_KEY',
    ),
  )
  assert.ok(tookMs < 1000, `${tookMs} ms of processor time`)
})

test('CVE-2026-46598: what an agent answers may be nonsense, and is an error of the agent', () => {
  for (const answer of [
    none,
    Buffer.of(12),
    new Writer().byte(12).uint32(huge).finish(),
    new Writer().byte(12).uint32(1).string(Buffer.alloc(5)).finish(),
  ]) {
    assert.throws(
      () => decodeIdentities(answer, 'the agent'),
      (error: unknown) => error instanceof HoldfastError && error.code === 'ERR_SSH_AGENT',
    )
  }
})
