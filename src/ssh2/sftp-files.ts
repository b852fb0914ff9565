import { defaultFileRoom, Room } from '../sftp/room.js'
import { printable } from '../wire/printable.js'
import { called } from './called.js'
import { callError, noResponse } from './errors.js'
import type { SftpCalls } from './sftp-calls.js'
import type { Callback } from './sftp-requests.js'
import type { Stats } from './sftp-values.js'

export interface FileOptions {
  readonly encoding?: string | null
  readonly flag?: string
  readonly mode?: number | string
}

const unsaidChunk = 8192

/** Turns a call with a callback into a promise; the call itself has its limit. */
export function promised<T>(call: (callback: Callback<T>) => void): Promise<T> {
  return called((answer, fail) =>
    call((error, value) => (error === undefined || error === null ? answer(value) : fail(error))),
  )
}

/** Some servers cannot tell of an open file. */
export async function statOpen(sftp: SftpCalls, path: string, handle: Buffer): Promise<Stats> {
  try {
    return await promised<Stats>((done) => sftp.fstat(handle, done))
  } catch (error) {
    const byPath = await promised<Stats>((done) => sftp.stat(path, done)).catch(() => undefined)
    if (byPath === undefined) throw error
    return byPath
  }
}

/** A whole file; its handle is closed whatever becomes of it. */
export async function readWhole(sftp: SftpCalls, path: string, options: FileOptions): Promise<string | Buffer> {
  const handle = await promised<Buffer>((done) => sftp.open(path, options.flag ?? 'r', 0o666, done))
  const contents = await withClose(sftp, handle, () => readOpen(sftp, path, handle)).catch((error: unknown) => {
    throw callError(error, noResponse(error))
  })
  const { encoding } = options
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? contents.toString(encoding) : contents
}

async function readOpen(sftp: SftpCalls, path: string, handle: Buffer): Promise<Buffer> {
  const { size = 0 } = await statOpen(sftp, path, handle)
  const parts: Buffer[] = []
  const room = size === 0 ? new Room(defaultFileRoom, `the file '${printable(path, 200)}'`) : undefined
  // Files of /proc say that they have no bytes; devices have no end.
  const end = size === 0 ? Number.POSITIVE_INFINITY : size
  for (let at = 0; at < end; ) {
    const part = Buffer.allocUnsafe(Math.min(end - at, size || unsaidChunk))
    const count = await readAt(sftp, handle, part, at)
    if (count === 0) break
    room?.take(count)
    parts.push(part.subarray(0, count))
    at += count
  }
  return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts)
}

export async function writeWhole(
  sftp: SftpCalls,
  path: string,
  data: unknown,
  { encoding, flag = 'w', mode = 0o666 }: FileOptions,
): Promise<void> {
  const known = typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8'
  const contents = Buffer.isBuffer(data) ? data : Buffer.from(String(data), known)
  const handle = await promised<Buffer>((done) => sftp.open(path, flag, mode, done))
  await withClose(sftp, handle, async () => {
    const position = flag.includes('a') ? ((await statOpen(sftp, path, handle)).size ?? 0) : 0
    if (contents.length > 0)
      await promised<number>((done) => sftp.write(handle, contents, 0, contents.length, position, done))
  })
}

async function withClose<T>(sftp: SftpCalls, handle: Buffer, work: () => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work()
  } catch (error) {
    await promised<void>((done) => sftp.close(handle, done)).catch(() => {})
    throw error
  }
  await promised<void>((done) => sftp.close(handle, done))
  return result
}

/** @returns how many bytes came; 0 at the end of the file */
export function readAt(sftp: SftpCalls, handle: Buffer, into: Buffer, position: number): Promise<number> {
  return promised<number>((done) =>
    sftp.read(handle, into, 0, into.length, position, (error, count) => done(error, count)),
  )
}
