/** Every SFTP message comes back as it was sent, however it is cut on its way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Attributes } from '#src/sftp/attributes.js'
import * as extension from '#src/sftp/extension-data.js'
import { PacketMemory } from '#src/sftp/packet-memory.js'
import { Packets } from '#src/sftp/packets.js'
import { decodeReply, encodeReply, type Reply } from '#src/sftp/replies.js'
import { decodeRequest, encodeRequest, type Request } from '#src/sftp/requests.js'
import { decodeVersion, encodeVersion } from '#src/sftp/version.js'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array): Buffer => Buffer.from(array))
const handle = fc.uint8Array({ maxLength: 256 }).map((array): Buffer => Buffer.from(array))
const text = fc.string({ unit: 'grapheme', maxLength: 60 })
const name = fc.stringMatching(/^[!-~]{1,40}$/)
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true })
}

const unsaid = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

const attributes = record<Attributes>({
  size: unsaid(uint64),
  owner: unsaid(record({ uid: uint32, gid: uint32 })),
  mode: unsaid(uint32),
  times: unsaid(record({ atime: uint32, mtime: uint32 })),
})

const is = <const T extends string>(...types: T[]): fc.Arbitrary<T> => fc.constantFrom(...types)

const request: fc.Arbitrary<Request> = fc.oneof(
  record<Request & { type: 'OPEN' }>({ type: is('OPEN'), path: bytes, flags: uint32, attributes }),
  record<Request & { type: 'CLOSE' }>({ type: is('CLOSE', 'FSTAT', 'READDIR') as fc.Arbitrary<'CLOSE'>, handle }),
  record<Request & { type: 'READ' }>({ type: is('READ'), handle, offset: uint64, length: uint32 }),
  record<Request & { type: 'WRITE' }>({ type: is('WRITE'), handle, offset: uint64, data: bytes }),
  record({ type: is('LSTAT', 'STAT', 'OPENDIR', 'REMOVE', 'RMDIR', 'REALPATH', 'READLINK'), path: bytes }),
  record({ type: is('SETSTAT', 'MKDIR'), path: bytes, attributes }),
  record({ type: is('FSETSTAT'), handle, attributes }),
  record({ type: is('RENAME', 'SYMLINK'), from: bytes, to: bytes }),
  record({ type: is('EXTENDED'), name, data: bytes }),
)

const reply: fc.Arbitrary<Reply> = fc.oneof(
  record({ type: is('STATUS'), code: uint32, message: text }),
  record({ type: is('HANDLE'), handle }),
  record({ type: is('DATA'), data: bytes }),
  record({ type: is('NAME'), names: fc.array(record({ name: bytes, longName: bytes, attributes }), { maxLength: 5 }) }),
  record({ type: is('ATTRS'), attributes }),
  record({ type: is('EXTENDED_REPLY'), data: bytes }),
)

/** Without its length, which is checked. */
function body(packet: Buffer): Buffer {
  assert.equal(packet.readUInt32BE(0), packet.length - 4)
  return packet.subarray(4)
}

test('a request comes back as it was sent', () => {
  fc.assert(
    fc.property(uint32, request, (id, sent) => {
      assert.deepEqual(decodeRequest(body(encodeRequest(id, sent, new PacketMemory()))), { id, request: sent })
    }),
    { numRuns: 500 },
  )
})

test('a reply comes back as it was sent', () => {
  fc.assert(
    fc.property(uint32, reply, (id, sent) => {
      assert.deepEqual(decodeReply(body(encodeReply(id, sent))), { id, reply: sent })
    }),
    { numRuns: 500 },
  )
})

test('a greeting comes back as it was sent', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (extensions) => {
      const decoded = decodeVersion(body(encodeVersion(extensions)))
      assert.deepEqual(decoded, { version: 3, extensions: new Map(extensions) })
    }),
  )
})

test('what extensions carry comes back as it was sent', () => {
  const limits = record({ packet: uint64, read: uint64, write: uint64, handles: uint64 })
  fc.assert(fc.property(limits, (sent) => assert.deepEqual(extension.decodeLimits(extension.encodeLimits(sent)), sent)))
  const fileSystem = record<extension.FileSystemData>({
    ...{ blockSize: uint64, fragmentSize: uint64, blocks: uint64, freeBlocks: uint64, availableBlocks: uint64 },
    ...{ files: uint64, freeFiles: uint64, availableFiles: uint64, id: uint64, flags: uint64, maxName: uint64 },
  })
  fc.assert(
    fc.property(fileSystem, (sent) => {
      assert.deepEqual(extension.decodeFileSystem(extension.encodeFileSystem(sent)), sent)
    }),
  )
  const ids = record({ uids: fc.array(uint32), gids: fc.array(uint32) })
  fc.assert(
    fc.property(ids, (sent) => {
      assert.deepEqual(extension.decodeIdentifiers(extension.writeIdentifiers(sent).finish()), sent)
    }),
  )
  const names = record({ users: fc.array(text), groups: fc.array(text) })
  fc.assert(
    fc.property(names, (sent) => {
      assert.deepEqual(extension.decodeOwnerNames(extension.encodeOwnerNames(sent)), sent)
    }),
  )
})

test('packets are found again wherever they are cut, and own their memory', () => {
  const packets = fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }), { maxLength: 20 })
  fc.assert(
    fc.property(packets, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, sizes) => {
      const stream = Buffer.concat(sent.flatMap((packet) => [lengthOf(packet), packet]))
      const came: Buffer[] = []
      const reader = new Packets(new PacketMemory())
      for (let offset = 0, turn = 0; offset < stream.length; turn++) {
        const piece = Buffer.from(stream.subarray(offset, offset + (sizes[turn % sizes.length] ?? 1)))
        reader.push(piece, (packet) => came.push(packet))
        offset += piece.length
        piece.fill(0)
      }
      assert.deepEqual(
        came.map(String),
        sent.map((packet) => String(Buffer.from(packet))),
      )
    }),
  )
})

test('a status without words is a status', () => {
  const bare = Buffer.from([101, 0, 0, 0, 7, 0, 0, 0, 4])
  assert.deepEqual(decodeReply(bare), { id: 7, reply: { type: 'STATUS', code: 4, message: '' } })
})

function lengthOf(packet: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(packet.length)
  return length
}
