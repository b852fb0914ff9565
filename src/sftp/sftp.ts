import { constants } from 'node:fs'
import { optionError } from '../session/option-error.js'
import { Writer } from '../wire/writer.js'
import type { Attributes } from './attributes.js'
import { closing } from './closing.js'
import { Dir } from './directory.js'
import type { Dirent } from './dirent.js'
import {
  decodeFileSystem,
  decodeOwnerNames,
  type Identifiers,
  type OwnerNames,
  writeIdentifiers,
} from './extension-data.js'
import { FileHandle, type ReadFileOptions, type ReadWholeOptions, resolveReadFile } from './file-handle.js'
import { type FileSystemStats, toFileSystemStats } from './file-system.js'
import { type OpenFlags, toOpenFlags } from './open-flags.js'
import { PathCalls } from './path-calls.js'
import { ReadStream, type ReadStreamOptions } from './read-stream.js'
import { RemoteFile } from './remote-file.js'
import { extended } from './requests.js'
import { extendedReply } from './results.js'
import { defaultListRoom, toRoom } from './room.js'
import {
  type CallOptions,
  checkEncoding,
  checkSignal,
  type FileTime,
  pathText,
  type RemotePath,
  toLocal,
  toMode,
  toOffset,
  toPath,
  toSeconds,
  toUint32,
} from './settings.js'
import { type SftpHost, SftpSession } from './sftp-session.js'
import { Stats } from './stats.js'
import { ownFile } from './stream-file.js'
import { resolveTransfer, type TransferResult, type TransferTreeOptions } from './transfer-options.js'
import { get, put } from './transfers.js'
import { isCode, makeDirectory, makeTree, remove, removeEmpty, removeTree } from './trees.js'
import { checkWriteData, readWhole, type WriteData, writeWhole } from './whole-file.js'
import { WriteStream, type WriteStreamOptions } from './write-stream.js'

export interface OpenOptions extends CallOptions {
  /** Of a file that is made. @default 0o666, of which the server takes its umask */
  readonly mode?: number | string | undefined
}

export interface WriteOptions extends OpenOptions {
  readonly encoding?: BufferEncoding | null | undefined
  /** @default 'w' */
  readonly flag?: OpenFlags | undefined
}

export interface ReaddirOptions extends CallOptions {
  /** 'buffer' gives names as the server has them, where these are not UTF-8. @default 'utf8' */
  readonly encoding?: 'utf8' | 'buffer' | undefined
  /** Whether to give entries, with what `lstat` says of each, and not names alone. @default false */
  readonly withFileTypes?: boolean | undefined
  /**
   * Bytes of memory for the entries, each counted with 500 and its name; the call rejects with ERR_SSH_MAX_BUFFER where
   * more come, which `opendir()` reads without keeping them. @default 256 MiB
   */
  readonly maxBuffer?: number | undefined
}

export interface MkdirOptions extends OpenOptions {
  /** Makes what is missing above it too, and is content with what is there. @default false */
  readonly recursive?: boolean | undefined
}

export interface RmOptions extends CallOptions {
  /** Removes a directory, with all that is in it. @default false */
  readonly recursive?: boolean | undefined
  /** Is content where there is nothing. @default false */
  readonly force?: boolean | undefined
}

/**
 * The files of a server, by SFTP 3 with OpenSSH's extensions, in the manner of `node:fs/promises`. Each call rejects by
 * itself: with an SftpError where the server refuses it; with ERR_SSH_TIMEOUT (limit `sftp`) where the server answers
 * nothing on this session for that long; with ERR_SSH_ABORTED by its `signal`; or with why session or connection ended.
 */
export class Sftp implements AsyncDisposable {
  readonly #session: SftpSession
  readonly #calls: PathCalls

  /** Use `Client.sftp()`. @internal */
  static async open(host: SftpHost, { signal }: CallOptions): Promise<Sftp> {
    return new Sftp(await SftpSession.open(host, checkSignal(signal)))
  }

  private constructor(session: SftpSession) {
    this.#session = session
    this.#calls = new PathCalls(session)
  }

  /** Opens a file. Close the handle in the end. @param mode of a file that is made */
  async open(
    path: RemotePath,
    flags: OpenFlags = 'r',
    mode: number | string = 0o666,
    { signal }: CallOptions = {},
  ): Promise<FileHandle> {
    return new FileHandle(await this.#open(path, flags, { mode, signal }), this.#session)
  }

  readFile(
    path: RemotePath,
    options: BufferEncoding | (ReadWholeOptions & { readonly encoding: BufferEncoding }),
  ): Promise<string>
  readFile(path: RemotePath, options?: ReadWholeOptions & { readonly encoding?: 'buffer' | null }): Promise<Buffer>
  readFile(path: RemotePath, options?: ReadFileOptions): Promise<string | Buffer>
  async readFile(path: RemotePath, options: ReadFileOptions = {}): Promise<string | Buffer> {
    const { encoding, ...settings } = resolveReadFile(options)
    const file = await this.#open(path, 'r', settings)
    const bytes = await closing(file, () => readWhole(file, { path: file.path, start: 0, ...settings }))
    return encoding === undefined ? bytes : bytes.toString(encoding)
  }

  /** Makes the file, or empties it first. It is not placed atomically: a reader may see a part of it. */
  async writeFile(path: RemotePath, data: WriteData, options: BufferEncoding | WriteOptions = {}): Promise<void> {
    const { encoding, flag, mode, signal } = typeof options === 'string' ? { encoding: options } : { ...options }
    const settings = { offset: 0, encoding: checkEncoding(encoding), signal: checkSignal(signal) }
    checkWriteData(data)
    const file = await this.#open(path, flag ?? 'w', { mode, signal })
    await closing(file, () => writeWhole(file, data, settings))
  }

  appendFile(path: RemotePath, data: WriteData, options: BufferEncoding | WriteOptions = {}): Promise<void> {
    const given = typeof options === 'string' ? { encoding: options } : options
    return this.writeFile(path, data, { ...given, flag: given.flag ?? 'a' })
  }

  async stat(path: RemotePath, { signal }: CallOptions = {}): Promise<Stats> {
    return new Stats(await this.#calls.attributes('stat', toPath(path), checkSignal(signal)))
  }

  /** Of a link, not of what it points to. */
  async lstat(path: RemotePath, { signal }: CallOptions = {}): Promise<Stats> {
    return new Stats(await this.#calls.attributes('lstat', toPath(path), checkSignal(signal)))
  }

  /** Whether there is something; a link that points nowhere is nothing. */
  async exists(path: RemotePath, options: CallOptions = {}): Promise<boolean> {
    try {
      await this.stat(path, options)
      return true
    } catch (error) {
      if (isCode(error, 'ENOENT')) return false
      throw error
    }
  }

  /**
   * Rejects where `path` is not there, or not to be read or written, which SFTP can only find out by opening it.
   * @param mode of `fs.constants`: F_OK, R_OK, W_OK; SFTP cannot tell of X_OK
   */
  async access(path: RemotePath, mode: number = constants.F_OK, options: CallOptions = {}): Promise<void> {
    if ((mode & constants.X_OK) !== 0) throw optionError('mode', 'may not have X_OK: SFTP has no way to ask for that')
    const isDirectory = (await this.stat(path, options)).isDirectory()
    if ((mode & constants.W_OK) !== 0) await (await this.#open(path, 'r+', options)).close()
    else if ((mode & constants.R_OK) !== 0)
      await (isDirectory ? this.opendir(path, options) : this.#open(path, 'r', options)).then((opened) =>
        opened.close(),
      )
  }

  readdir(path: RemotePath, options: ReaddirOptions & { readonly withFileTypes: true }): Promise<Dirent[]>
  readdir(path: RemotePath, options: ReaddirOptions & { readonly encoding: 'buffer' }): Promise<Buffer[]>
  readdir(path: RemotePath, options?: ReaddirOptions): Promise<string[]>
  async readdir(path: RemotePath, options: ReaddirOptions = {}): Promise<Dirent[] | Buffer[] | string[]> {
    const most = toRoom(options.maxBuffer, defaultListRoom)
    const entries = await Dir.all(this.#session, toPath(path), checkSignal(options.signal), most)
    if (options.withFileTypes === true) return [...entries]
    if (options.encoding === 'buffer') return entries.map(({ nameBytes }) => nameBytes)
    return entries.map(({ name }) => name)
  }

  /** A directory, entry by entry: `for await (const entry of await sftp.opendir(path))`. */
  async opendir(path: RemotePath, { signal }: CallOptions = {}): Promise<Dir> {
    return Dir.open(this.#session, toPath(path), checkSignal(signal))
  }

  /** @returns with `recursive`, the first directory that had to be made */
  async mkdir(path: RemotePath, options: number | string | MkdirOptions = {}): Promise<string | undefined> {
    const { recursive = false, mode = 0o777, signal } = typeof options === 'object' ? options : { mode: options }
    const bytes = toPath(path)
    if (recursive) return (await makeTree(this.#session, bytes, toMode(mode), checkSignal(signal)))?.toString()
    await makeDirectory(this.#session, bytes, toMode(mode), checkSignal(signal))
    return undefined
  }

  async rmdir(path: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    await removeEmpty(this.#session, toPath(path), checkSignal(signal))
  }

  async unlink(path: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    await remove(this.#session, toPath(path), checkSignal(signal))
  }

  /** Links are removed, not followed. */
  async rm(path: RemotePath, { recursive = false, force = false, signal }: RmOptions = {}): Promise<void> {
    const bytes = toPath(path)
    try {
      await (recursive ? removeTree : remove)(this.#session, bytes, checkSignal(signal))
    } catch (error) {
      if (!force || !isCode(error, 'ENOENT')) throw error
    }
  }

  /** Over a file that is there, where the server has posix-rename@openssh.com; others refuse that. */
  async rename(from: RemotePath, to: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    await this.#calls.rename(toPath(from), toPath(to, 'to'), checkSignal(signal))
  }

  /** A second name for a file (hardlink@openssh.com). @throws SftpError ENOTSUP */
  async link(existing: RemotePath, path: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    await this.#calls.link(toPath(existing, 'existing'), toPath(path), checkSignal(signal))
  }

  /** @param target what the link says, as it is @param path where it is */
  async symlink(target: RemotePath, path: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    await this.#calls.symlink(toPath(target, 'target'), toPath(path), checkSignal(signal))
  }

  async readlink(path: RemotePath, { signal }: CallOptions = {}): Promise<string> {
    return (await this.#calls.path('readlink', toPath(path), checkSignal(signal))).toString()
  }

  async realpath(path: RemotePath, { signal }: CallOptions = {}): Promise<string> {
    return (await this.#calls.path('realpath', toPath(path), checkSignal(signal))).toString()
  }

  async chmod(path: RemotePath, mode: number | string, options: CallOptions = {}): Promise<void> {
    await this.#change('chmod', path, { mode: toMode(mode) }, options)
  }

  async chown(path: RemotePath, uid: number, gid: number, options: CallOptions = {}): Promise<void> {
    await this.#change('chown', path, { owner: toOwner(uid, gid) }, options)
  }

  /** Of an instant, SFTP 3 has whole seconds. */
  async utimes(path: RemotePath, atime: FileTime, mtime: FileTime, options: CallOptions = {}): Promise<void> {
    await this.#change('utimes', path, { times: toTimes(atime, mtime) }, options)
  }

  async truncate(path: RemotePath, length = 0, options: CallOptions = {}): Promise<void> {
    await this.#change('truncate', path, { size: BigInt(toOffset(length, 'length')) }, options)
  }

  /** Of a link, not of what it points to (lsetstat@openssh.com). @throws SftpError ENOTSUP */
  async lchown(path: RemotePath, uid: number, gid: number, { signal }: CallOptions = {}): Promise<void> {
    const owner = toOwner(uid, gid)
    await this.#calls.setLinkAttributes('lchown', toPath(path), { owner }, checkSignal(signal))
  }

  /** Of a link, not of what it points to (lsetstat@openssh.com). @throws SftpError ENOTSUP */
  async lutimes(path: RemotePath, atime: FileTime, mtime: FileTime, { signal }: CallOptions = {}): Promise<void> {
    const times = toTimes(atime, mtime)
    await this.#calls.setLinkAttributes('lutimes', toPath(path), { times }, checkSignal(signal))
  }

  /** The file system that `path` is on (statvfs@openssh.com). @throws SftpError ENOTSUP */
  async statfs(path: RemotePath, { signal }: CallOptions = {}): Promise<FileSystemStats> {
    const what = { syscall: 'statfs', path: pathText(path) }
    this.#session.require('statvfs', what)
    const request = extended('statvfs', new Writer().string(toPath(path)))
    const call = { what, request, result: extendedReply(what, decodeFileSystem) }
    return toFileSystemStats(await this.#session.call(call, { signal: checkSignal(signal), isSlow: true }))
  }

  /** Copied by the server itself (copy-data), over what is there; with the permissions of `from`. @throws SftpError ENOTSUP */
  async copyFile(from: RemotePath, to: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    const source = await this.#open(from, 'r', { signal })
    await closing(source, async () => {
      const { mode = 0o666 } = await source.attributes(signal)
      const target = await this.#open(to, 'w', { mode: mode & 0o777, signal })
      await closing(target, () => source.copyTo(target, signal))
    })
  }

  /** With `~` and `~user` as a shell would have it (expand-path@openssh.com). @throws SftpError ENOTSUP */
  async expandPath(path: RemotePath, { signal }: CallOptions = {}): Promise<string> {
    const what = { syscall: 'expand-path', path: pathText(path) }
    return (await this.#calls.pathOf('expandPath', what, toPath(path), checkSignal(signal))).toString()
  }

  /** @param username whose; without one, where relative paths start. @throws SftpError ENOTSUP */
  async homeDirectory(username?: string, { signal }: CallOptions = {}): Promise<string> {
    if (username === undefined) return this.realpath('.', { signal })
    const what = { syscall: 'home-directory', path: username }
    const name = toPath(username, 'username')
    return (await this.#calls.pathOf('homeDirectory', what, name, checkSignal(signal))).toString()
  }

  /** Who `uid` and `gid` are there, in the order asked for, '' for nobody (users-groups-by-id@openssh.com). @throws SftpError ENOTSUP */
  async ownerNames({ uids, gids }: Identifiers, { signal }: CallOptions = {}): Promise<OwnerNames> {
    const what = { syscall: 'users-groups-by-id' }
    this.#session.require('usersGroupsById', what)
    const ids = { uids: uids.map((uid) => toUint32(uid, 'uids')), gids: gids.map((gid) => toUint32(gid, 'gids')) }
    const request = extended('usersGroupsById', writeIdentifiers(ids))
    return this.#session.call(
      { what, request, result: extendedReply(what, decodeOwnerNames) },
      { signal: checkSignal(signal) },
    )
  }

  /**
   * Fetches a file, or all that is in a directory, with what is below it. Links are not followed: those that stay in the tree
   * are made as they are, others are left out and named in the result.
   * @param local where to, on this machine
   * @throws HoldfastError ERR_SSH_SFTP_CHANGED, ERR_SSH_SFTP_LOCAL, ERR_SSH_SFTP_NAME; and what every call may
   */
  async get(remote: RemotePath, local: string, options: TransferTreeOptions = {}): Promise<TransferResult> {
    return get(this.#session, { local: toLocal(local), remote: toPath(remote, 'remote') }, resolveTransfer(options))
  }

  /**
   * Sends a file, or all that is in a directory, with what is below it; the same the other way.
   * @param local what, on this machine
   * @throws HoldfastError ERR_SSH_SFTP_CHANGED, ERR_SSH_SFTP_LOCAL; and what every call may
   */
  async put(local: string, remote: RemotePath, options: TransferTreeOptions = {}): Promise<TransferResult> {
    return put(this.#session, { local: toLocal(local), remote: toPath(remote, 'remote') }, resolveTransfer(options))
  }

  /** What comes of a file; opened by the stream, and closed by it. */
  createReadStream(path: RemotePath, options: ReadStreamOptions = {}): ReadStream {
    const open = () => this.#open(path, 'r', { signal: options.signal })
    return new ReadStream(ownFile(pathText(path), this.#session, open), options)
  }

  /** What goes into a file; opened by the stream, and closed by it before it has finished. */
  createWriteStream(
    path: RemotePath,
    options: WriteStreamOptions & Pick<WriteOptions, 'flag' | 'mode'> = {},
  ): WriteStream {
    const open = () => this.#open(path, options.flag ?? 'w', options)
    return new WriteStream(ownFile(pathText(path), this.#session, open), options)
  }

  /** Ends the session; what is under way fails with ERR_SSH_CLOSED. The connection lives. Bounded; never rejects. */
  close(): Promise<void> {
    return this.#session.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(path: RemotePath, flags: OpenFlags, { mode = 0o666, signal }: OpenOptions): Promise<RemoteFile> {
    const settings = { flags: toOpenFlags(flags), mode: toMode(mode), signal: checkSignal(signal) }
    return RemoteFile.open(this.#session, toPath(path), settings)
  }

  #change(syscall: string, path: RemotePath, changed: Attributes, { signal }: CallOptions): Promise<void> {
    return this.#calls.setAttributes(syscall, toPath(path), changed, checkSignal(signal))
  }
}

function toOwner(uid: unknown, gid: unknown): Required<Attributes>['owner'] {
  return { uid: toUint32(uid, 'uid'), gid: toUint32(gid, 'gid') }
}

function toTimes(atime: unknown, mtime: unknown): Required<Attributes>['times'] {
  return { atime: toSeconds(atime, 'atime'), mtime: toSeconds(mtime, 'mtime') }
}
