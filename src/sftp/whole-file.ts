import { isUint8Array } from 'node:util/types'
import type { HoldfastError } from '../errors.js'
import { optionError } from '../session/option-error.js'
import { printable } from '../wire/printable.js'
import { closing, reading } from './closing.js'
import { readTogether } from './read-ahead.js'
import { type OpenSettings, RemoteFile } from './remote-file.js'
import { RemoteFirstRead } from './remote-first-read.js'
import { RemoteSmallWrite } from './remote-small-write.js'
import { Room } from './room.js'
import { inParts } from './sftp-error.js'
import type { SftpSessions } from './sftp-sessions.js'
import { smallBytes } from './small.js'
import { WriteBehind } from './write-behind.js'

/** What `writeFile` takes. */
export type WriteData = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>

export interface ReadWholeSettings {
  /** As errors are to show it. */
  readonly path: string
  readonly start: number
  /** Bytes that may come. */
  readonly most: number
  readonly signal: AbortSignal | undefined
}

/** Reads to the end, whatever size the server says that the file has. @throws HoldfastError ERR_SSH_MAX_BUFFER */
export function readWhole(source: RemoteFile, settings: ReadWholeSettings): Promise<Buffer> {
  return readOn(source, settings, { pieces: [], size: sizeOf(source, settings.signal) })
}

/** Opens a file, reads all of it, and has it closed, for which nobody waits. @throws as `readWhole`; SftpError */
export async function readFile(
  sessions: SftpSessions,
  path: Buffer,
  { most, signal, origin }: Pick<ReadWholeSettings, 'most' | 'signal'> & { readonly origin: Error },
): Promise<Buffer> {
  const session = sessions.present ?? (await sessions.current(signal))
  const end = endOf(0, most)
  const { file, bytes, size, isWhole } = await new RemoteFirstRead(session, path, { end, signal, origin }).run()
  return reading(file, async () => {
    const pieces = bytes === undefined ? [] : [bytes]
    const settings = { path: file.path, start: 0, most, signal }
    if (!isWhole) return readOn(file, settings, { pieces, size: () => size })
    roomFor(settings, pieces)
    return bytes ?? Buffer.alloc(0)
  })
}

/** What came of a file already, and how large the server says that it is, once it has. */
interface Begun {
  readonly pieces: Buffer[]
  readonly size: () => number | undefined
}

async function readOn(source: RemoteFile, settings: ReadWholeSettings, { pieces, size }: Begun): Promise<Buffer> {
  const { start, most, signal } = settings
  const room = roomFor(settings, pieces)
  const from = pieces.reduce((at, { length }) => at + length, start)
  for await (const some of readTogether(source, { start: from, end: endOf(start, most), signal, size, known: size() }))
    for (const bytes of some) {
      room.take(bytes.length)
      pieces.push(bytes)
    }
  const [first] = pieces
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)
}

/** One byte more shows that there is more. */
function endOf(start: number, most: number): number {
  return Math.min(start + most + 1, Number.MAX_SAFE_INTEGER)
}

/** @returns what is left of it. @throws HoldfastError ERR_SSH_MAX_BUFFER */
function roomFor({ path, most }: ReadWholeSettings, pieces: readonly Buffer[]): Room {
  const room = new Room(most, `the file '${printable(path, 200)}'`)
  for (const { length } of pieces) room.take(length)
  return room
}

/** Asks how large it is, which must not fail what is read. @returns what the server said, once it has */
function sizeOf(source: RemoteFile, signal: AbortSignal | undefined): () => number | undefined {
  let said: number | undefined
  const asked = async () => {
    const { size } = await source.attributes(signal)
    said = size === undefined ? undefined : Number(size)
  }
  asked().catch(() => {})
  return () => said
}

export interface WriteWholeSettings {
  /** Where in the file it begins. */
  readonly offset: number
  readonly encoding: BufferEncoding | undefined
  readonly signal: AbortSignal | undefined
}

/** @returns where it ended. @throws HoldfastError ERR_SSH_OPTION; what the data's iterator throws */
export async function writeWhole(
  target: RemoteFile,
  data: WriteData,
  { offset, encoding, signal }: WriteWholeSettings,
): Promise<number> {
  const writer = new WriteBehind(target, { offset, signal })
  for await (const chunk of chunksOf(target, data, signal)) await writer.write(toBytes(chunk, encoding))
  await writer.flush()
  return writer.offset
}

export interface WriteFileSettings {
  readonly opened: OpenSettings & { readonly origin: Error }
  readonly encoding: BufferEncoding | undefined
}

/** Opens a file, writes all of it, and closes it. @throws as `writeWhole`; SftpError */
export async function writeFile(
  sessions: SftpSessions,
  path: Buffer,
  data: WriteData,
  { opened, encoding }: WriteFileSettings,
): Promise<void> {
  const { signal } = opened
  const session = sessions.present ?? (await sessions.current(signal))
  const isPlain = typeof data === 'string' || isUint8Array(data)
  const bytes = isPlain && data.length <= smallBytes ? toBytes(data, encoding) : undefined
  if (bytes !== undefined && bytes.length <= session.sizes.write)
    return new RemoteSmallWrite(session, path, { ...opened, bytes, attributes: undefined }).run()
  const file = await RemoteFile.open(sessions, path, opened)
  await inParts(closing(file, () => writeWhole(file, data, { offset: 0, encoding, signal }), signal))
}

/** Before anything is opened, and emptied by that. @throws HoldfastError ERR_SSH_OPTION */
export function checkWriteData(data: unknown): asserts data is WriteData {
  if (typeof data === 'string') return
  if (typeof data === 'object' && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data)) return
  throw dataError()
}

type Chunk = string | Uint8Array

async function* chunksOf(target: RemoteFile, data: WriteData, signal: AbortSignal | undefined): AsyncGenerator<Chunk> {
  if (typeof data === 'string' || isUint8Array(data)) yield data
  else if (Symbol.asyncIterator in data) yield* whileOpen(target, data[Symbol.asyncIterator](), signal)
  else yield* data
}

/** A program that never gives its next must not hold up the abort of its call, or the end of the session. */
async function* whileOpen(
  target: RemoteFile,
  source: AsyncIterator<Chunk>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  try {
    for (let next = await target.given(source.next(), signal); next.done !== true; ) {
      yield next.value
      next = await target.given(source.next(), signal)
    }
  } finally {
    source.return?.().catch(() => {})
  }
}

function toBytes(chunk: unknown, encoding: BufferEncoding | undefined): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding)
  if (isUint8Array(chunk)) return chunk
  throw dataError()
}

function dataError(): HoldfastError {
  return optionError('data', 'must be a string, a Buffer, or something that yields these')
}
