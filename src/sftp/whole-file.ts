import { optionError } from '../session/option-error.js'
import { type ReadSource, readAhead } from './read-ahead.js'
import { WriteBehind, type WriteTarget } from './write-behind.js'

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
  target: WriteTarget,
  data: WriteData,
  { offset, encoding, signal }: WriteWholeSettings,
): Promise<number> {
  const writer = new WriteBehind(target, { offset, signal })
  for await (const chunk of typeof data === 'string' || data instanceof Uint8Array ? [data] : data)
    await writer.write(toBytes(chunk, encoding))
  await writer.flush()
  return writer.offset
}

function toBytes(chunk: unknown, encoding: BufferEncoding | undefined): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding)
  if (chunk instanceof Uint8Array) return chunk
  throw optionError('data', 'must be a string, a Buffer, or something that yields these')
}
