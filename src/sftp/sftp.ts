import { constants } from 'node:fs'
import { optionError } from '../session/option-error.js'
import { closing } from './closing.js'
import { FileHandle, type ReadFileOptions, type ReadWholeOptions, resolveReadFile } from './file-handle.js'
import { type OpenFlags, toOpenFlags } from './open-flags.js'
import { SftpPaths } from './paths.js'
import { ReadStream, type ReadStreamOptions } from './read-stream.js'
import { RemoteFile } from './remote-file.js'
import {
  type CallOptions,
  checkEncoding,
  checkSignal,
  type OpenOptions,
  pathText,
  type RemotePath,
  toLocal,
  toMode,
  toPath,
} from './settings.js'
import { inParts } from './sftp-error.js'
import type { SftpHost } from './sftp-session.js'
import { type NextHost, SftpSessions } from './sftp-sessions.js'
import { ownFile } from './stream-file.js'
import { resolveTransfer, type TransferResult, type TransferTreeOptions } from './transfer-options.js'
import { checkKind, get, put } from './transfers.js'
import { checkWriteData, readFile, type WriteData, writeFile } from './whole-file.js'
import { WriteStream, type WriteStreamOptions } from './write-stream.js'

export interface WriteOptions extends OpenOptions {
  readonly encoding?: BufferEncoding | null | undefined
  /** @default 'w' */
  readonly flag?: OpenFlags | undefined
}

/**
 * The files of a server, by SFTP 3 with OpenSSH's extensions, in the manner of `node:fs/promises`. Each call rejects by
 * itself: with an SftpError where the server refuses it; with ERR_SSH_TIMEOUT (limit `sftp`) where the server answers
 * nothing on this session for that long; with ERR_SSH_ABORTED by its `signal`; or with why session or connection ended.
 */
export class Sftp extends SftpPaths implements AsyncDisposable {
  /** Use `Client.sftp()`. @internal */
  static async open(host: SftpHost, { signal }: CallOptions, next?: NextHost): Promise<Sftp> {
    return new Sftp(await SftpSessions.open(host, { signal: checkSignal(signal), next }))
  }

  private constructor(session: SftpSessions) {
    super(session)
  }

  /** Opens a file. Close the handle in the end. @param mode of a file that is made */
  async open(
    path: RemotePath,
    flags: OpenFlags = 'r',
    mode: number | string = 0o666,
    { signal }: CallOptions = {},
  ): Promise<FileHandle> {
    const file = await this.#open(path, flags, { mode, signal })
    return new FileHandle(file, file.session)
  }

  readFile(
    path: RemotePath,
    options: BufferEncoding | (ReadWholeOptions & { readonly encoding: BufferEncoding }),
  ): Promise<string>
  readFile(path: RemotePath, options?: ReadWholeOptions & { readonly encoding?: 'buffer' | null }): Promise<Buffer>
  readFile(path: RemotePath, options?: ReadFileOptions): Promise<string | Buffer>
  async readFile(path: RemotePath, options: ReadFileOptions = {}): Promise<string | Buffer> {
    const origin = new Error('called')
    const { encoding, ...settings } = resolveReadFile(options)
    const bytes = await readFile(this.session, toPath(path), { ...settings, origin })
    return encoding === undefined ? bytes : bytes.toString(encoding)
  }

  /** Makes the file, or empties it first. It is not placed atomically: a reader may see a part of it. */
  async writeFile(path: RemotePath, data: WriteData, options: BufferEncoding | WriteOptions = {}): Promise<void> {
    const { encoding, flag, mode, signal } = typeof options === 'string' ? { encoding: options } : { ...options }
    const [known, settings] = [checkEncoding(encoding), { signal: checkSignal(signal), origin: new Error('called') }]
    checkWriteData(data)
    const opened = { flags: toOpenFlags(flag ?? 'w'), mode: toMode(mode ?? 0o666), ...settings }
    await writeFile(this.session, toPath(path), data, { opened, encoding: known })
  }

  appendFile(path: RemotePath, data: WriteData, options: BufferEncoding | WriteOptions = {}): Promise<void> {
    const given = typeof options === 'string' ? { encoding: options } : options
    return this.writeFile(path, data, { ...given, flag: given.flag ?? 'a' })
  }

  /**
   * Rejects where `path` is not there, or not to be read or written, which SFTP can only find out by opening it: of what is
   * neither file nor directory, that is refused.
   * @param mode of `fs.constants`: F_OK, R_OK, W_OK; SFTP cannot tell of X_OK
   */
  async access(path: RemotePath, mode: number = constants.F_OK, options: CallOptions = {}): Promise<void> {
    if ((mode & constants.X_OK) !== 0) throw optionError('mode', 'may not have X_OK: SFTP has no way to ask for that')
    const stats = await this.stat(path, options)
    if ((mode & (constants.R_OK | constants.W_OK)) !== 0) checkKind(stats, 'path', toPath(path))
    const isDirectory = stats.isDirectory()
    if ((mode & constants.W_OK) !== 0) await (await this.#open(path, 'r+', options)).close()
    else if ((mode & constants.R_OK) !== 0)
      await (isDirectory ? this.opendir(path, options) : this.#open(path, 'r', options)).then((opened) =>
        opened.close(),
      )
  }

  /** Copied by the server itself (copy-data), over what is there; with the permissions of `from`. @throws SftpError ENOTSUP */
  async copyFile(from: RemotePath, to: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    const source = await this.#open(from, 'r', { signal })
    const copy = async () => {
      const { mode = 0o666 } = await source.attributes(signal)
      const target = await this.#open(to, 'w', { mode: mode & 0o777, signal })
      await closing(target, () => source.copyTo(target, signal), signal)
    }
    await inParts(closing(source, copy))
  }

  /**
   * Fetches a file, or all that is in a directory, with what is below it. Links are not followed: those that stay in the tree
   * are made as they are, others are left out and named in the result.
   * @param local where to, on this machine
   * @throws HoldfastError ERR_SSH_OPTION where `remote` is neither file nor directory; ERR_SSH_SFTP_CHANGED, ERR_SSH_SFTP_LOCAL, ERR_SSH_SFTP_NAME; and what every call may
   */
  async get(remote: RemotePath, local: string, options: TransferTreeOptions = {}): Promise<TransferResult> {
    return get(this.session, { local: toLocal(local), remote: toPath(remote, 'remote') }, resolveTransfer(options))
  }

  /**
   * Sends a file, or all that is in a directory, with what is below it; the same the other way.
   * @param local what, on this machine
   * @throws HoldfastError ERR_SSH_SFTP_CHANGED, ERR_SSH_SFTP_LOCAL; and what every call may
   */
  async put(local: string, remote: RemotePath, options: TransferTreeOptions = {}): Promise<TransferResult> {
    return put(this.session, { local: toLocal(local), remote: toPath(remote, 'remote') }, resolveTransfer(options))
  }

  /** What comes of a file; opened by the stream, and closed by it. */
  createReadStream(path: RemotePath, options: ReadStreamOptions = {}): ReadStream {
    const origin = new Error('called')
    const open = () => this.#open(path, 'r', { signal: options.signal }, origin)
    return new ReadStream(ownFile(pathText(path), this.session, open), options)
  }

  /** What goes into a file; opened by the stream, and closed by it before it has finished. */
  createWriteStream(
    path: RemotePath,
    options: WriteStreamOptions & Pick<WriteOptions, 'flag' | 'mode'> = {},
  ): WriteStream {
    const origin = new Error('called')
    const open = () => this.#open(path, options.flag ?? 'w', options, origin)
    return new WriteStream(ownFile(pathText(path), this.session, open), options)
  }

  /** Ends the session; what is under way fails with ERR_SSH_CLOSED. The connection lives. Bounded; never rejects. */
  close(): Promise<void> {
    return this.session.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @param origin see `OpenSettings` */
  async #open(
    path: RemotePath,
    flags: OpenFlags,
    { mode = 0o666, signal }: OpenOptions,
    origin?: Error,
  ): Promise<RemoteFile> {
    const settings = { flags: toOpenFlags(flags), mode: toMode(mode), signal: checkSignal(signal), origin }
    return RemoteFile.open(this.session, toPath(path), settings)
  }
}
