import type { Readable } from 'node:stream'
import { orFalse } from './answer.js'
import { intArgument, outOfRange, positiveArgument } from './arguments.js'
import { PieceReader } from './piece-reader.js'
import { Ssh2FileStream } from './sftp-file.js'
import { callOf, readableArgument } from './stream-arguments.js'
import { hasEnded } from './stream-failure.js'

const newline = 0x0a

/**
 * All that comes until the end of a stream, or `length` bytes. Without a length more than 100 MiB is an error, which ends the
 * stream.
 * @param length -1, as null, is all
 * @returns false where it fails: what came before is not taken for the whole
 * @throws TypeError, RangeError
 */
export function stream_get_contents(stream: Readable, length?: number | null): Promise<string | false>
export function stream_get_contents(
  stream: Readable,
  length: number | null | undefined,
  encoding: 'buffer',
): Promise<Buffer | false>
export async function stream_get_contents(
  stream: Readable,
  length: number | null = null,
  encoding: 'utf8' | 'buffer' = 'utf8',
): Promise<string | Buffer | false> {
  const name = 'stream_get_contents'
  const wanted = contentsLength(name, length)
  return reading(name, stream, async (reader) => {
    const bytes = await contents(reader, wanted)
    return encoding === 'buffer' ? bytes : bytes.toString('utf8')
  })
}

/**
 * The next line with its line feed; at the end what is left, and then false. Without a length more than 100 MiB is an error,
 * which ends the stream.
 * @param length at most one less
 * @throws TypeError, RangeError
 */
export async function fgets(stream: Readable, length: number | null = null): Promise<string | false> {
  const name = 'fgets'
  const given = length === null ? undefined : positiveArgument([name, 2, 'length'], length)
  const most = given === undefined ? Number.POSITIVE_INFINITY : given - 1
  return reading(name, stream, async (reader) => {
    const bytes = await reader.take((held, last) => {
      const at = last.indexOf(newline)
      const end = at === -1 ? held : held - last.length + at + 1
      return at === -1 && held < most ? undefined : Math.min(end, most)
    }, given)
    return bytes.length === 0 ? false : bytes.toString('utf8')
  })
}

/** Up to `length` bytes, as soon as there are any; none at the end. @throws TypeError, RangeError */
export async function fread(stream: Readable, length: number): Promise<Buffer | false> {
  const name = 'fread'
  const most = positiveArgument([name, 2, 'length'], length)
  return reading(name, stream, (reader) => reader.take((held) => (held > 0 ? Math.min(held, most) : undefined)))
}

/** Whether all was read that will ever come. */
export function feof(stream: Readable): boolean {
  return hasEnded(readableArgument(['feof', 1, 'stream'], stream))
}

function contentsLength(name: string, length: number | null): number | undefined {
  if (length === null) return undefined
  const wanted = intArgument([name, 2, 'length'], length)
  if (wanted < -1) throw outOfRange([name, 2, 'length'], 'greater than or equal to -1')
  return wanted === -1 ? undefined : wanted
}

async function contents(reader: PieceReader, wanted: number | undefined): Promise<Buffer> {
  if (wanted === undefined) return reader.take(() => undefined)
  // Nothing is to be waited for.
  if (wanted === 0) return Buffer.alloc(0)
  return reader.take((held) => (held >= wanted ? wanted : undefined), wanted)
}

async function reading<T>(
  name: string,
  stream: Readable,
  work: (reader: PieceReader) => Promise<T>,
): Promise<T | false> {
  readableArgument([name, 1, 'stream'], stream)
  return orFalse(callOf(name, stream), async () => {
    if (stream instanceof Ssh2FileStream) stream.checkReading()
    return work(new PieceReader(stream))
  })
}
