import { isUint8Array } from 'node:util/types'
import { HoldfastError } from '../errors.js'
import { optionError } from '../session/option-error.js'
import { readAhead } from './read-ahead.js'
import { ReadStream, type ReadStreamOptions } from './read-stream.js'
import type { RemoteFile } from './remote-file.js'
import { defaultFileRoom, toRoom } from './room.js'
import {
  type CallOptions,
  checkEncoding,
  checkSignal,
  type FileTime,
  toMode,
  toOffset,
  toSeconds,
  toUint32,
} from './settings.js'
import { Stats } from './stats.js'
import type { StreamFile, Watched } from './stream-file.js'
import { checkWriteData, readWhole, type WriteData, writeWhole } from './whole-file.js'
import { WriteBehind } from './write-behind.js'
import { WriteStream, type WriteStreamOptions } from './write-stream.js'

/** Which part of a buffer, and where in the file. */
export interface TransferOptions extends CallOptions {
  /** Where in the buffer. @default 0 */
  readonly offset?: number | undefined
  /** How many bytes. @default the rest of the buffer */
  readonly length?: number | undefined
  /** Where in the file; null: where the last one ended. @default null */
  readonly position?: number | null | undefined
}

/** As `node:fs/promises` has it: by name, or one after another. */
export type TransferArguments =
  | [options?: TransferOptions]
  | [offset: number | null, length?: number | null, position?: number | null, options?: CallOptions]

export interface ReadWholeOptions extends CallOptions {
  /** Bytes that the file may have; the call rejects with ERR_SSH_MAX_BUFFER where more come. @default 100 MiB */
  readonly maxBuffer?: number | undefined
}

/** As `node:fs/promises` has it; a bare string is the encoding. */
export type ReadFileOptions =
  | BufferEncoding
  | 'buffer'
  | (ReadWholeOptions & { readonly encoding?: BufferEncoding | 'buffer' | null })
export type WriteFileOptions = BufferEncoding | (CallOptions & { readonly encoding?: BufferEncoding | null })

/**
 * An open file of the server, as `node:fs/promises` has it. What has no `position` goes on where the last such call
 * ended, so those are made one after another.
 */
export class FileHandle implements AsyncDisposable {
  /** As it was opened. */
  readonly path: string
  readonly #file: RemoteFile
  readonly #session: Watched
  #position = 0
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(file: RemoteFile, session: Watched) {
    this.path = file.path
    this.#file = file
    this.#session = session
  }

  /**
   * Reads until `length` bytes have come or the file ends; whatever the length, in requests of the server's size.
   * @throws SftpError; HoldfastError ERR_SSH_TIMEOUT (limit `sftp`), ERR_SSH_ABORTED, ERR_SSH_OPTION
   */
  async read<Target extends Uint8Array>(
    buffer: Target,
    ...place: TransferArguments
  ): Promise<{ readonly bytesRead: number; readonly buffer: Target }> {
    const file = this.#open()
    const options = transferOptions(place)
    const { part, position, signal } = this.#transfer(buffer, options)
    let bytesRead = 0
    for await (const bytes of readAhead(file, { start: position, end: position + part.length, signal })) {
      part.set(bytes, bytesRead)
      bytesRead += bytes.length
      file.giveBack(bytes)
    }
    if (usesPosition(options)) this.#position = position + bytesRead
    return { bytesRead, buffer }
  }

  /**
   * Writes all of it; text goes as UTF-8.
   * @throws SftpError; HoldfastError ERR_SSH_TIMEOUT (limit `sftp`), ERR_SSH_ABORTED, ERR_SSH_OPTION
   */
  async write<Source extends string | Uint8Array>(
    data: Source,
    ...place: TransferArguments
  ): Promise<{ readonly bytesWritten: number; readonly buffer: Source }> {
    const file = this.#open()
    const options = transferOptions(place)
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const { part, position, signal } = this.#transfer(bytes, options)
    if (usesPosition(options)) this.#position = position + part.length
    const writer = new WriteBehind(file, { offset: position, signal })
    await writer.write(part)
    await writer.flush()
    return { bytesWritten: part.length, buffer: data }
  }

  /** From where the last call without a position ended, to the end of the file. @throws as `read` */
  readFile(options: BufferEncoding | (ReadWholeOptions & { readonly encoding: BufferEncoding })): Promise<string>
  readFile(options?: ReadWholeOptions & { readonly encoding?: 'buffer' | null }): Promise<Buffer>
  readFile(options?: ReadFileOptions): Promise<string | Buffer>
  async readFile(options: ReadFileOptions = {}): Promise<string | Buffer> {
    const { encoding, ...settings } = resolveReadFile(options)
    const bytes = await readWhole(this.#open(), { path: this.path, start: this.#position, ...settings })
    this.#position += bytes.length
    return encoding === undefined ? bytes : bytes.toString(encoding)
  }

  /** From where the last call without a position ended; what follows there stays. @throws as `write` */
  async writeFile(data: WriteData, options: WriteFileOptions = {}): Promise<void> {
    const { encoding, signal } = typeof options === 'string' ? { encoding: options, signal: undefined } : options
    const settings = { encoding: checkEncoding(encoding), signal: checkSignal(signal), offset: this.#position }
    checkWriteData(data)
    this.#position = await writeWhole(this.#open(), data, settings)
  }

  /** The same: a file that was opened to append grows at its end. @throws as `write` */
  appendFile(data: WriteData, options?: WriteFileOptions): Promise<void> {
    return this.writeFile(data, options)
  }

  /** @throws SftpError */
  async stat({ signal }: CallOptions = {}): Promise<Stats> {
    return new Stats(await this.#open().attributes(checkSignal(signal)))
  }

  /** @throws SftpError */
  async chmod(mode: number | string, { signal }: CallOptions = {}): Promise<void> {
    await this.#open().setAttributes('fchmod', { mode: toMode(mode) }, checkSignal(signal))
  }

  /** @throws SftpError */
  async chown(uid: number, gid: number, { signal }: CallOptions = {}): Promise<void> {
    const owner = { uid: toUint32(uid, 'uid'), gid: toUint32(gid, 'gid') }
    await this.#open().setAttributes('fchown', { owner }, checkSignal(signal))
  }

  /** Of an instant, SFTP 3 has whole seconds. @throws SftpError */
  async utimes(atime: FileTime, mtime: FileTime, { signal }: CallOptions = {}): Promise<void> {
    const times = { atime: toSeconds(atime, 'atime'), mtime: toSeconds(mtime, 'mtime') }
    await this.#open().setAttributes('futimes', { times }, checkSignal(signal))
  }

  /** @throws SftpError */
  async truncate(length = 0, { signal }: CallOptions = {}): Promise<void> {
    const size = BigInt(toOffset(length, 'length'))
    await this.#open().setAttributes('ftruncate', { size }, checkSignal(signal))
  }

  /** What was written goes to the server's disk (fsync@openssh.com). @throws SftpError ENOTSUP */
  async sync({ signal }: CallOptions = {}): Promise<void> {
    await this.#open().sync(checkSignal(signal))
  }

  /** What comes of the file, from here to its end. The stream closes the file, unless `autoClose` is false. */
  createReadStream(options: ReadStreamOptions = {}): ReadStream {
    return new ReadStream(this.#streamFile, { ...options, start: options.start ?? this.#position })
  }

  /** What goes into the file, from here on. The stream closes the file, unless `autoClose` is false. */
  createWriteStream(options: WriteStreamOptions = {}): WriteStream {
    return new WriteStream(this.#streamFile, { ...options, start: options.start ?? this.#position })
  }

  /** May be called again. @throws SftpError, also for what was written and could not be kept */
  close(): Promise<void> {
    this.#closing ??= this.#file.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #streamFile(): StreamFile {
    return { path: this.path, session: this.#session, open: async () => this.#open(), close: () => this.close() }
  }

  #open(): RemoteFile {
    if (this.#closing === undefined) return this.#file
    throw new HoldfastError('ERR_SSH_CLOSED', `the handle of '${this.path}' is closed`, { phase: 'request' })
  }

  #transfer(buffer: unknown, options: TransferOptions) {
    if (!isUint8Array(buffer)) throw optionError('buffer', 'must be a Buffer or a Uint8Array')
    const offset = toOffset(options.offset ?? 0, 'offset')
    const length = toOffset(options.length ?? Math.max(0, buffer.length - offset), 'length')
    if (offset + length > buffer.length)
      throw optionError('length', `reaches to byte ${offset + length} of a buffer of ${buffer.length}`)
    return {
      part: buffer.subarray(offset, offset + length),
      position: toOffset(options.position ?? this.#position, 'position'),
      signal: checkSignal(options.signal),
    }
  }
}

/** @throws HoldfastError ERR_SSH_OPTION */
export function resolveReadFile(options: ReadFileOptions) {
  const given: Exclude<ReadFileOptions, string> = typeof options === 'string' ? { encoding: options } : options
  return {
    encoding: checkEncoding(given.encoding),
    signal: checkSignal(given.signal),
    most: toRoom(given.maxBuffer, defaultFileRoom),
  }
}

function transferOptions([first, length, position, options]: TransferArguments): TransferOptions {
  if (typeof first === 'object' && first !== null) return first
  return { offset: first ?? undefined, length: length ?? undefined, position: position ?? null, ...options }
}

function usesPosition({ position }: TransferOptions): boolean {
  return position === undefined || position === null
}
