import {
  decodeFileSystem,
  decodeIdentifiers,
  decodeLimits,
  decodeOwnerNames,
  encodeFileSystem,
  encodeLimits,
  encodeOwnerNames,
  writeIdentifiers,
} from '#src/sftp/extension-data.js'
import { PacketMemory } from '#src/sftp/packet-memory.js'
import { Packets } from '#src/sftp/packets.js'
import { decodeReply, encodeReply, type Reply } from '#src/sftp/replies.js'
import { decodeRequest, encodeRequest, type Request } from '#src/sftp/requests.js'
import { decodeVersion, encodeVersion } from '#src/sftp/version.js'
import type { Decoder } from './decoders.js'

const path = Buffer.from('/a')
const handle = Buffer.from('h')
const data = Buffer.from('some data')
const attributes = { size: 5n, owner: { uid: 1, gid: 2 }, mode: 0o100644, times: { atime: 3, mtime: 4 } }
const entry = { name: path, longName: data, attributes }

const requests: readonly Request[] = [
  { type: 'OPEN', path, flags: 1, attributes },
  { type: 'CLOSE', handle },
  { type: 'READ', handle, offset: 1n, length: 5 },
  { type: 'WRITE', handle, offset: 1n, data },
  { type: 'STAT', path },
  { type: 'SETSTAT', path, attributes },
  { type: 'FSETSTAT', handle, attributes },
  { type: 'RENAME', from: path, to: path },
  { type: 'EXTENDED', name: 'fsync@openssh.com', data },
]

const replies: readonly Reply[] = [
  { type: 'STATUS', code: 2, message: 'No such file' },
  { type: 'HANDLE', handle },
  { type: 'DATA', data },
  { type: 'NAME', names: [entry, entry] },
  { type: 'ATTRS', attributes },
  { type: 'EXTENDED_REPLY', data },
]

const fileSystem = {
  ...{ blockSize: 1n, fragmentSize: 2n, blocks: 3n, freeBlocks: 4n, availableBlocks: 5n },
  ...{ files: 6n, freeFiles: 7n, availableFiles: 8n, id: 9n, flags: 10n, maxName: 11n },
}

/** Without its length. */
const body = (packet: Buffer): Buffer => packet.subarray(4)

function decoder(name: string, decode: (bytes: Buffer) => unknown, ...samples: Buffer[]): Decoder {
  return { name, decode, samples, code: 'ERR_SSH_PROTOCOL', says: /^SFTP [\w -]+: [a-zA-Z]/ }
}

/** What an SFTP server says, and what a client says to it. */
export const sftpDecoders: readonly Decoder[] = [
  decoder(
    'SFTP request',
    decodeRequest,
    ...requests.map((request) => body(encodeRequest(7, request, new PacketMemory()))),
  ),
  decoder('SFTP reply', decodeReply, ...replies.map((reply) => body(encodeReply(7, reply)))),
  decoder('SFTP VERSION', decodeVersion, body(encodeVersion([['fsync@openssh.com', '1']]))),
  decoder('SFTP limits', decodeLimits, encodeLimits({ packet: 1n, read: 2n, write: 3n, handles: 4n })),
  decoder('SFTP statvfs', decodeFileSystem, encodeFileSystem(fileSystem)),
  decoder('SFTP users-groups-by-id', decodeIdentifiers, writeIdentifiers({ uids: [0, 1], gids: [2] }).finish()),
  decoder('SFTP owner names', decodeOwnerNames, encodeOwnerNames({ users: ['root', ''], groups: [] })),
  {
    name: 'SFTP packets',
    decode: (bytes) => new Packets(new PacketMemory()).push(bytes, () => {}),
    samples: [Buffer.concat(replies.map((reply) => encodeReply(7, reply)))],
    code: 'ERR_SSH_SFTP_PROTOCOL',
    says: /^SFTP: a packet claims/,
  },
]
