import { printable } from '../wire/printable.js'
import { Writer } from '../wire/writer.js'
import type { Attributes } from './attributes.js'
import { Dir } from './directory.js'
import type { Dirent } from './dirent.js'
import {
  decodeFileSystem,
  decodeOwnerNames,
  type Identifiers,
  type OwnerNames,
  writeIdentifiers,
} from './extension-data.js'
import { type FileSystemStats, toFileSystemStats } from './file-system.js'
import { PathCalls } from './path-calls.js'
import { extended } from './requests.js'
import { extendedReply } from './results.js'
import { defaultListRoom, Room, toRoom } from './room.js'
import {
  type CallOptions,
  checkSignal,
  type FileTime,
  type OpenOptions,
  pathText,
  type RemotePath,
  toMode,
  toOffset,
  toPath,
  toSeconds,
  toUint32,
} from './settings.js'
import { inParts, refuseAborted } from './sftp-error.js'
import type { SftpSessions } from './sftp-sessions.js'
import { Stats } from './stats.js'
import { isCode, makeDirectory, makeTree, remove, removeEmpty, removeTree } from './trees.js'

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
  /**
   * Bytes of memory for the entries of a directory and of those above it, each counted with 500 and its name; more is
   * ERR_SSH_MAX_BUFFER. @default 256 MiB
   */
  readonly maxBuffer?: number | undefined
}

/** What is asked of a server by the path of a file or directory. */
export class SftpPaths {
  /** @internal */
  readonly session: SftpSessions
  readonly #calls: PathCalls

  /** @internal */
  protected constructor(session: SftpSessions) {
    this.session = session
    this.#calls = new PathCalls(session)
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

  readdir(path: RemotePath, options: ReaddirOptions & { readonly withFileTypes: true }): Promise<Dirent[]>
  readdir(path: RemotePath, options: ReaddirOptions & { readonly encoding: 'buffer' }): Promise<Buffer[]>
  readdir(path: RemotePath, options?: ReaddirOptions): Promise<string[]>
  async readdir(path: RemotePath, options: ReaddirOptions = {}): Promise<Dirent[] | Buffer[] | string[]> {
    const room = roomOf(path, options)
    const entries = await Dir.all(this.session, toPath(path), checkSignal(options.signal), room)
    if (options.withFileTypes === true) return [...entries]
    if (options.encoding === 'buffer') return entries.map(({ nameBytes }) => nameBytes)
    return entries.map(({ name }) => name)
  }

  /** A directory, entry by entry: `for await (const entry of await sftp.opendir(path))`. */
  async opendir(path: RemotePath, { signal }: CallOptions = {}): Promise<Dir> {
    return Dir.open(this.session, toPath(path), checkSignal(signal))
  }

  /** @returns with `recursive`, the first directory that had to be made */
  async mkdir(path: RemotePath, options: number | string | MkdirOptions = {}): Promise<string | undefined> {
    const { recursive = false, mode = 0o777, signal } = typeof options === 'object' ? options : { mode: options }
    const bytes = toPath(path)
    if (!recursive) {
      await makeDirectory(this.session, bytes, toMode(mode), checkSignal(signal))
      return undefined
    }
    refuseAborted(checkSignal(signal), this.session.host, { syscall: 'mkdir', path: pathText(path) })
    return (await inParts(makeTree(this.session, bytes, toMode(mode), signal)))?.toString()
  }

  async rmdir(path: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    await removeEmpty(this.session, toPath(path), checkSignal(signal))
  }

  async unlink(path: RemotePath, { signal }: CallOptions = {}): Promise<void> {
    await remove(this.session, toPath(path), checkSignal(signal))
  }

  /** Links are removed, not followed. */
  async rm(path: RemotePath, options: RmOptions = {}): Promise<void> {
    const { recursive = false, force = false, signal } = options
    const bytes = toPath(path)
    const room = roomOf(path, options)
    try {
      if (!recursive) return await remove(this.session, bytes, checkSignal(signal))
      refuseAborted(checkSignal(signal), this.session.host, { syscall: 'rm', path: pathText(path) })
      await inParts(removeTree(this.session, bytes, signal, room))
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
    this.session.require('statvfs', what)
    const request = extended('statvfs', new Writer().string(toPath(path)))
    const call = { what, request, result: extendedReply(what, decodeFileSystem) }
    return toFileSystemStats(await this.session.call(call, { signal: checkSignal(signal), isSlow: true }))
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
    this.session.require('usersGroupsById', what)
    const ids = { uids: uids.map((uid) => toUint32(uid, 'uids')), gids: gids.map((gid) => toUint32(gid, 'gids')) }
    const request = extended('usersGroupsById', writeIdentifiers(ids))
    return this.session.call(
      { what, request, result: extendedReply(what, decodeOwnerNames) },
      { signal: checkSignal(signal) },
    )
  }

  #change(syscall: string, path: RemotePath, changed: Attributes, { signal }: CallOptions): Promise<void> {
    return this.#calls.setAttributes(syscall, toPath(path), changed, checkSignal(signal))
  }
}

function roomOf(path: RemotePath, { maxBuffer }: { readonly maxBuffer?: number | undefined }): Room {
  return new Room(toRoom(maxBuffer, defaultListRoom), `the directory '${printable(pathText(path), 200)}'`)
}

function toOwner(uid: unknown, gid: unknown): Required<Attributes>['owner'] {
  return { uid: toUint32(uid, 'uid'), gid: toUint32(gid, 'gid') }
}

function toTimes(atime: unknown, mtime: unknown): Required<Attributes>['times'] {
  return { atime: toSeconds(atime, 'atime'), mtime: toSeconds(mtime, 'mtime') }
}
