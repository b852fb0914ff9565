import { type FileHandle, open } from 'node:fs/promises'
import type { SftpCalls } from './sftp-calls.js'
import { promised, readAt, statOpen } from './sftp-files.js'
import { modeOf } from './sftp-values.js'

export interface TransferOptions {
  /** Requests at a time. @default 64 */
  readonly concurrency?: number
  /** Bytes of one request. @default 32768 */
  readonly chunkSize?: number
  /** Where the size of the file is known already. */
  readonly fileSize?: number
  readonly mode?: number | string
  readonly step?: (total: number, chunk: number, size: number) => void
}

/** Either end of a transfer. */
interface End {
  size(): Promise<number>
  setMode(mode: number): Promise<void>
  /** @returns how many bytes came; 0 at the end */
  read(into: Buffer, position: number): Promise<number>
  write(data: Buffer, position: number): Promise<void>
  close(): Promise<void>
}

type OpenEnd = (flags: 'r' | 'w') => Promise<End>

/**
 * As ssh2's: rejects with the error of SFTP or of `node:fs`.
 * @returns the size of the file
 */
export function fastGet(sftp: SftpCalls, remotePath: string, localPath: string, options: unknown): Promise<number> {
  return transfer(remoteEnd(sftp, remotePath), localEnd(localPath), settingsOf(options))
}

/** @returns the size of the file */
export function fastPut(sftp: SftpCalls, localPath: string, remotePath: string, options: unknown): Promise<number> {
  return transfer(localEnd(localPath), remoteEnd(sftp, remotePath), settingsOf(options))
}

type Settings = Required<Pick<TransferOptions, 'concurrency' | 'chunkSize'>> & {
  readonly fileSize: number | undefined
  readonly mode: number | undefined
  readonly step: TransferOptions['step']
}

async function transfer(openSource: OpenEnd, openTarget: OpenEnd, settings: Settings): Promise<number> {
  const source = await openSource('r')
  return closing(source, async () => {
    const size = settings.fileSize ?? (await source.size())
    const target = await openTarget('w')
    await closing(target, async () => {
      if (settings.mode !== undefined && size > 0) await target.setMode(settings.mode)
      await copy(source, target, size, settings)
    })
    return size
  })
}

/** Closed whatever becomes of it; what went wrong first is what is told. */
async function closing<T>(end: End, work: () => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work()
  } catch (error) {
    await end.close().catch(() => {})
    throw error
  }
  await end.close()
  return result
}

async function copy(source: End, target: End, size: number, { concurrency, chunkSize, step }: Settings): Promise<void> {
  let next = 0
  let total = 0
  const failure = new AbortController()
  const work = async () => {
    const memory = Buffer.allocUnsafe(Math.min(chunkSize, size))
    while (next < size && !failure.signal.aborted) {
      const position = next
      const length = Math.min(chunkSize, size - position)
      next += length
      await copyPart(source, target, memory.subarray(0, length), position, (count) => {
        total += count
        step?.(total, count, size)
      })
    }
  }
  const workers = Array.from({ length: Math.min(concurrency, Math.ceil(size / chunkSize)) }, () =>
    work().catch((error: unknown) => {
      failure.abort()
      throw error
    }),
  )
  // All of them: none may still be at it when the ends are closed.
  const outcomes = await Promise.allSettled(workers)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function copyPart(
  source: End,
  target: End,
  memory: Buffer,
  position: number,
  copied: (count: number) => void,
): Promise<void> {
  for (let at = 0; at < memory.length; ) {
    const count = await source.read(memory.subarray(at), position + at)
    // ssh2 would ask for the rest for ever.
    if (count === 0) throw new Error('The file became shorter while it was transferred')
    await target.write(memory.subarray(at, at + count), position + at)
    at += count
    copied(count)
  }
}

function remoteEnd(sftp: SftpCalls, path: string): OpenEnd {
  return async (flags) => {
    const handle = await promised<Buffer>((done) => sftp.open(path, flags, done))
    return {
      size: async () => (await statOpen(sftp, path, handle)).size ?? 0,
      // Where neither way is offered, the file is transferred all the same.
      setMode: (mode) =>
        promised<void>((done) => sftp.fchmod(handle, mode, done))
          .catch(() => promised<void>((done) => sftp.chmod(path, mode, done)))
          .catch(() => {}),
      read: (into, position) => readAt(sftp, handle, into, position),
      write: async (data, position) => {
        await promised<number>((done) => sftp.write(handle, data, 0, data.length, position, done))
      },
      close: () => promised<void>((done) => sftp.close(handle, done)),
    }
  }
}

function localEnd(path: string): OpenEnd {
  return async (flags) => {
    const file = await open(path, flags)
    return {
      size: async () => (await file.stat()).size,
      setMode: (mode) => file.chmod(mode),
      read: async (into, position) => (await file.read(into, 0, into.length, position)).bytesRead,
      write: (data, position) => writeLocally(file, data, position),
      close: () => file.close(),
    }
  }
}

async function writeLocally(file: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at, position + at)).bytesWritten
}

function settingsOf(given: unknown): Settings {
  const field = (name: string): unknown =>
    typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined
  const step = field('step')
  const mode = field('mode')
  return {
    concurrency: positive(field('concurrency')) ?? 64,
    chunkSize: positive(field('chunkSize')) ?? 32_768,
    fileSize: positive(field('fileSize')),
    mode: typeof mode === 'string' || typeof mode === 'number' ? modeOf(mode) : undefined,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it gives is not looked at
    step: typeof step === 'function' ? (step as TransferOptions['step']) : undefined,
  }
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? Math.floor(value) : undefined
}
