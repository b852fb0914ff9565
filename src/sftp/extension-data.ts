import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'

/** What a server allows (OpenSSH PROTOCOL section 4.8): bytes, but for the last. 0 where it sets no limit. */
export interface ServerLimits {
  readonly packet: bigint
  readonly read: bigint
  readonly write: bigint
  readonly handles: bigint
}

export function decodeLimits(data: Buffer): ServerLimits {
  const reader = new Reader('SFTP limits', data)
  const limits = {
    packet: reader.uint64('max-packet-length'),
    read: reader.uint64('max-read-length'),
    write: reader.uint64('max-write-length'),
    handles: reader.uint64('max-open-handles'),
  }
  reader.end()
  return limits
}

export function encodeLimits({ packet, read, write, handles }: ServerLimits): Buffer {
  return new Writer(32).uint64(packet).uint64(read).uint64(write).uint64(handles).finish()
}

/** A file system (OpenSSH PROTOCOL section 4.4). */
export interface FileSystemData {
  readonly blockSize: bigint
  readonly fragmentSize: bigint
  /** These count fragments. */
  readonly blocks: bigint
  readonly freeBlocks: bigint
  readonly availableBlocks: bigint
  readonly files: bigint
  readonly freeFiles: bigint
  readonly availableFiles: bigint
  readonly id: bigint
  readonly flags: bigint
  readonly maxName: bigint
}

export function decodeFileSystem(data: Buffer): FileSystemData {
  const reader = new Reader('SFTP statvfs', data)
  const result = {
    blockSize: reader.uint64('f_bsize'),
    fragmentSize: reader.uint64('f_frsize'),
    blocks: reader.uint64('f_blocks'),
    freeBlocks: reader.uint64('f_bfree'),
    availableBlocks: reader.uint64('f_bavail'),
    files: reader.uint64('f_files'),
    freeFiles: reader.uint64('f_ffree'),
    availableFiles: reader.uint64('f_favail'),
    id: reader.uint64('f_fsid'),
    flags: reader.uint64('f_flag'),
    maxName: reader.uint64('f_namemax'),
  }
  reader.end()
  return result
}

export function encodeFileSystem(data: FileSystemData): Buffer {
  const { blockSize, fragmentSize, blocks, freeBlocks, availableBlocks } = data
  const { files, freeFiles, availableFiles, id, flags, maxName } = data
  const writer = new Writer(88).uint64(blockSize).uint64(fragmentSize)
  writer.uint64(blocks).uint64(freeBlocks).uint64(availableBlocks)
  writer.uint64(files).uint64(freeFiles).uint64(availableFiles)
  return writer.uint64(id).uint64(flags).uint64(maxName).finish()
}

/** A copy inside the server (section 4.10). A length of 0 goes to the end of the file. */
export interface CopyData {
  readonly from: Buffer
  readonly fromOffset: bigint
  readonly length: bigint
  readonly to: Buffer
  readonly toOffset: bigint
}

export function writeCopyData({ from, fromOffset, length, to, toOffset }: CopyData): Writer {
  return new Writer().string(from).uint64(fromOffset).uint64(length).string(to).uint64(toOffset)
}

/** Numbers whose names are asked for (section 4.12). */
export interface Identifiers {
  readonly uids: readonly number[]
  readonly gids: readonly number[]
}

/** The names, in the order in which they were asked for; empty where the server knows none. */
export interface OwnerNames {
  readonly users: readonly string[]
  readonly groups: readonly string[]
}

export function writeIdentifiers({ uids, gids }: Identifiers): Writer {
  return new Writer().string(numbers(uids)).string(numbers(gids))
}

export function decodeIdentifiers(data: Buffer): Identifiers {
  const reader = new Reader('SFTP users-groups-by-id', data)
  const lists = [reader.string('uids'), reader.string('gids')].map((list) => {
    const inner = new Reader('SFTP users-groups-by-id', list)
    return untilEnd(inner, () => inner.uint32('id'))
  })
  reader.end()
  const [uids = [], gids = []] = lists
  return { uids, gids }
}

export function decodeOwnerNames(data: Buffer): OwnerNames {
  const reader = new Reader('SFTP users-groups-by-id', data)
  const lists = [reader.string('usernames'), reader.string('groupnames')].map((list) => {
    const inner = new Reader('SFTP users-groups-by-id', list)
    return untilEnd(inner, () => inner.text('name'))
  })
  reader.end()
  const [users = [], groups = []] = lists
  return { users, groups }
}

export function encodeOwnerNames({ users, groups }: OwnerNames): Buffer {
  return new Writer().string(strings(users)).string(strings(groups)).finish()
}

function numbers(list: readonly number[]): Buffer {
  const writer = new Writer(list.length * 4)
  for (const number of list) writer.uint32(number)
  return writer.finish()
}

function strings(list: readonly string[]): Buffer {
  const writer = new Writer()
  for (const text of list) writer.string(text)
  return writer.finish()
}

function untilEnd<T>(reader: Reader, next: () => T): readonly T[] {
  const items: T[] = []
  while (reader.remaining > 0) items.push(next())
  return items
}
