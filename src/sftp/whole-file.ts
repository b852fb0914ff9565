import { optionError } from '../session/option-error.js'
import { type ReadSource, readAhead } from './read-ahead.js'
import type { RemoteFile } from './remote-file.js'
import { WriteBehind } from './write-behind.js'

/** What `writeFile` takes. */
export type WriteData = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>

export interface ReadWholeSettings {
  readonly start: number
  readonly signal: AbortSignal | undefined
}

/** Reads to the end, whatever size the server says that the file has. */
export async function readWhole(source: ReadSource, { start, signal }: ReadWholeSettings): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const bytes of readAhead(source, { start, end: Number.MAX_SAFE_INTEGER, signal })) pieces.push(bytes)
  const [first] = pieces
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)
}

export interface WriteWholeSettings {
  /** Where in the file it begins. */
  readonly offset: number
  readonly encoding: BufferEncoding | undefined
  readonly signal: AbortSignal | undefined
}

/** @returns where in the file it ends. @throws HoldfastError ERR_SSH_OPTION; what the data's iterator throws */
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

type Chunk = string | Uint8Array

async function* chunksOf(target: RemoteFile, data: WriteData, signal: AbortSignal | undefined): AsyncGenerator<Chunk> {
  if (typeof data === 'string' || data instanceof Uint8Array) yield data
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
  if (chunk instanceof Uint8Array) return chunk
  throw optionError('data', 'must be a string, a Buffer, or something that yields these')
}
