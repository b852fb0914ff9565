/** Every message that has both an encoder and a decoder comes back as it was sent; those of authentication have a file of their own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import * as connection from '#src/wire/connection-messages.js'
import * as forward from '#src/wire/forward-messages.js'
import * as kex from '#src/wire/kex-messages.js'
import * as method from '#src/wire/kex-method-messages.js'
import { Reader } from '#src/wire/reader.js'
import * as session from '#src/wire/session-messages.js'
import * as transport from '#src/wire/transport-messages.js'
import { Writer } from '#src/wire/writer.js'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array): Buffer => Buffer.from(array))
const text = fc.string({ unit: 'grapheme', maxLength: 100 })
const name = fc.stringMatching(/^[!-+\--~]{1,40}$/)
const names = fc.array(name, { maxLength: 20 })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true })
}

function comesBack<T>(what: string, values: fc.Arbitrary<T>, encode: (value: T) => Buffer, decode: (b: Buffer) => T) {
  test(`${what} comes back as it was sent`, () => {
    fc.assert(fc.property(values, (value) => assert.deepEqual(decode(encode(value)), value)))
  })
}

comesBack(
  'DISCONNECT',
  record({ reason: uint32, description: text }),
  transport.encodeDisconnect,
  transport.decodeDisconnect,
)
comesBack('IGNORE', bytes, transport.encodeIgnore, transport.decodeIgnore)
comesBack('UNIMPLEMENTED', uint32, transport.encodeUnimplemented, transport.decodeUnimplemented)
comesBack('SERVICE_REQUEST', name, transport.encodeServiceRequest, transport.decodeServiceRequest)
comesBack('SERVICE_ACCEPT', name, transport.encodeServiceAccept, transport.decodeServiceAccept)
comesBack(
  'EXT_INFO',
  fc.array(fc.tuple(name, bytes), { maxLength: 20 }).map((entries): transport.Extensions => new Map(entries)),
  transport.encodeExtInfo,
  transport.decodeExtInfo,
)
comesBack('PING', bytes, transport.encodePing, transport.decodePing)
comesBack('PONG', bytes, transport.encodePong, transport.decodePong)
comesBack(
  'KEXINIT',
  record<kex.KexInit>({
    offer: record<kex.AlgorithmOffer>({
      kex: names,
      serverHostKey: names,
      cipherClientToServer: names,
      cipherServerToClient: names,
      macClientToServer: names,
      macServerToClient: names,
      compressionClientToServer: names,
      compressionServerToClient: names,
    }),
    firstKexPacketFollows: fc.boolean(),
  }),
  (init) => kex.encodeKexInit(Buffer.alloc(16), init),
  kex.decodeKexInit,
)
comesBack(
  'KEX_ECDH_REPLY',
  record({ hostKey: bytes, share: bytes, signature: bytes }),
  (reply) => method.ecdhMessages.encodeReply(reply),
  (payload) => method.ecdhMessages.decodeReply(payload),
)
comesBack(
  'KEX_DH_GEX_REQUEST',
  record({ min: uint32, preferred: uint32, max: uint32 }),
  method.encodeGroupRequest,
  method.decodeGroupRequest,
)
comesBack(
  'GLOBAL_REQUEST',
  record({ name, wantReply: fc.boolean(), data: bytes }),
  (request) => connection.encodeGlobalRequest(request.name, request.wantReply, request.data),
  connection.decodeGlobalRequest,
)
const opened = { sender: uint32, window: uint32, maxPacket: uint32, data: bytes }
comesBack('CHANNEL_OPEN', record({ type: name, ...opened }), connection.encodeChannelOpen, connection.decodeChannelOpen)
comesBack(
  'CHANNEL_OPEN_CONFIRMATION',
  record({ recipient: uint32, ...opened }),
  connection.encodeChannelOpenConfirmation,
  connection.decodeChannelOpenConfirmation,
)
comesBack(
  'CHANNEL_OPEN_FAILURE',
  record({ recipient: uint32, reason: uint32, description: text }),
  connection.encodeChannelOpenFailure,
  connection.decodeChannelOpenFailure,
)
comesBack(
  'CHANNEL_WINDOW_ADJUST',
  record({ recipient: uint32, bytes: uint32 }),
  (adjust) => connection.encodeWindowAdjust(adjust.recipient, adjust.bytes),
  connection.decodeWindowAdjust,
)
comesBack(
  'CHANNEL_DATA',
  record({ recipient: uint32, data: bytes }),
  ({ recipient, data }) => Buffer.concat([connection.encodeChannelDataHead(recipient, data.length), data]),
  connection.decodeChannelData,
)
comesBack(
  'CHANNEL_EXTENDED_DATA',
  record({ recipient: uint32, type: uint32, data: bytes }),
  ({ recipient, type, data }) => Buffer.concat([connection.encodeExtendedDataHead(recipient, type, data.length), data]),
  connection.decodeExtendedData,
)
comesBack(
  'CHANNEL_CLOSE',
  uint32,
  (recipient) => connection.encodeBareChannelMessage('CHANNEL_CLOSE', recipient),
  (payload) => connection.decodeBareChannelMessage('CHANNEL_CLOSE', payload),
)
comesBack(
  'CHANNEL_REQUEST',
  record({ recipient: uint32, type: name, wantReply: fc.boolean(), data: bytes }),
  connection.encodeChannelRequest,
  connection.decodeChannelRequest,
)
comesBack('the request exit-status', uint32, session.encodeExitStatus, session.decodeExitStatus)

test('a multiple precision integer comes back without its leading zeros, and is never written with one too many', () => {
  fc.assert(
    fc.property(bytes, (magnitude) => {
      const written = new Writer().mpint(magnitude).finish()
      const read = new Reader('message', written).mpint('field')
      assert.equal(BigInt(`0x0${read.toString('hex')}`), BigInt(`0x0${magnitude.toString('hex')}`))
      assert.notEqual(read[0], 0)
      assert.deepEqual(new Writer().mpint(read).finish(), written)
    }),
  )
})

test('numbers, strings and lists stand one after the other, whatever the writer had room for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      uint32,
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      bytes,
      names,
      (capacity, number, long, string, list) => {
        const writer = new Writer(capacity).uint32(number).uint64(long).string(string).nameList(list).boolean(true)
        const reader = new Reader('message', writer.finish())
        assert.equal(reader.uint32('a'), number)
        assert.equal(reader.uint64('b'), long)
        assert.deepEqual(reader.string('c'), string)
        assert.deepEqual(reader.nameList('d'), list)
        assert.equal(reader.boolean('e'), true)
        reader.end()
      },
    ),
  )
})

const place = record<forward.TcpPlace>({ host: text, port: uint32 })
for (const type of ['direct-tcpip', 'forwarded-tcpip'] as const) {
  comesBack(type, record({ to: place, originator: place }), forward.encodeTcpOpening, (data) =>
    forward.decodeTcpOpening(type, data),
  )
}
comesBack('direct-streamlocal', text, forward.encodeDirectStreamlocal, forward.decodeDirectStreamlocal)
comesBack('forwarded-streamlocal', text, forward.encodeForwardedStreamlocal, forward.decodeForwardedStreamlocal)
comesBack('tcpip-forward', place, forward.encodeTcpForward, forward.decodeTcpForward)
comesBack('the answer to tcpip-forward', uint32, forward.encodeBoundPort, forward.decodeBoundPort)
comesBack('streamlocal-forward', text, forward.encodeStreamlocalForward, forward.decodeStreamlocalForward)
