import { writeAttributes } from '../sftp/attributes.js'
import { decodeFileSystem, decodeOwnerNames, writeCopyData, writeIdentifiers } from '../sftp/extension-data.js'
import type { Extension } from '../sftp/numbers.js'
import type { Reply } from '../sftp/replies.js'
import { extended } from '../sftp/requests.js'
import { Writer } from '../wire/writer.js'
import { bytes, checkHandle, SftpCalls } from './sftp-calls.js'
import { type Callback, done, expected } from './sftp-requests.js'
import { attributesOf, type InputAttributes } from './sftp-values.js'

/** A file system, by the names of statvfs(3). */
export interface FileSystemStats {
  readonly f_bsize: number
  readonly f_frsize: number
  readonly f_blocks: number
  readonly f_bfree: number
  readonly f_bavail: number
  readonly f_files: number
  readonly f_ffree: number
  readonly f_favail: number
  readonly f_sid: number
  readonly f_flag: number
  readonly f_namemax: number
}

/** What goes beyond the draft. Each throws at once where the server does not offer it. */
export class SftpExtensions extends SftpCalls {
  /** Over what is there. */
  ext_openssh_rename(oldPath: string, newPath: string, callback?: Callback): void {
    this.#ask('posixRename', () => new Writer().string(bytes(oldPath)).string(bytes(newPath)), done, callback)
  }

  ext_openssh_statvfs(path: string, callback: Callback<FileSystemStats>): void {
    this.#ask('statvfs', () => new Writer().string(bytes(path)), fileSystemIn, callback)
  }

  ext_openssh_fstatvfs(handle: Buffer, callback: Callback<FileSystemStats>): void {
    this.#ask('fstatvfs', () => onHandle(handle), fileSystemIn, callback)
  }

  ext_openssh_hardlink(oldPath: string, newPath: string, callback?: Callback): void {
    this.#ask('hardlink', () => new Writer().string(bytes(oldPath)).string(bytes(newPath)), done, callback)
  }

  ext_openssh_fsync(handle: Buffer, callback?: Callback): void {
    this.#ask('fsync', () => onHandle(handle), done, callback)
  }

  /** Of a link, not of what it points to. */
  ext_openssh_lsetstat(path: string, attrs: InputAttributes, callback?: Callback): void {
    const [given, done_] = typeof attrs === 'function' ? [undefined, attrs] : [attrs, callback]
    const data = () => writeAttributes(new Writer().string(bytes(path)), attributesOf(given))
    this.#ask('lsetstat', data, done, done_)
  }

  ext_openssh_expandPath(path: string, callback: Callback<string>): void {
    this.#ask('expandPath', () => new Writer().string(bytes(path)), nameIn('expanded path'), callback)
  }

  /** @param length 0 to the end of the file */
  ext_copy_data(
    srcHandle: Buffer,
    srcOffset: number,
    length: number,
    dstHandle: Buffer,
    dstOffset: number,
    callback?: Callback,
  ): void {
    const data = () => {
      if (!Buffer.isBuffer(srcHandle)) throw new Error('Source handle is not a Buffer')
      if (!Buffer.isBuffer(dstHandle)) throw new Error('Destination handle is not a Buffer')
      const [fromOffset, size, toOffset] = [BigInt(srcOffset), BigInt(length), BigInt(dstOffset)]
      return writeCopyData({ from: srcHandle, fromOffset, length: size, to: dstHandle, toOffset })
    }
    this.#ask('copyData', data, done, callback)
  }

  ext_home_dir(username: string, callback: Callback<string>): void {
    this.#ask('homeDirectory', () => new Writer().string(bytes(username)), nameIn('home directory'), callback)
  }

  ext_users_groups(
    uids: readonly number[],
    gids: readonly number[],
    callback: (error: Error | undefined, usernames: readonly string[], groupnames: readonly string[]) => void,
  ): void {
    this.require('usersGroupsById')
    const data = writeIdentifiers({ uids: checkedIds(uids, 'uid'), gids: checkedIds(gids, 'gid') })
    const request = extended('usersGroupsById', data)
    const names = this.ask({ syscall: 'users-groups-by-id' }, request, (reply) =>
      decodeOwnerNames(expected('EXTENDED_REPLY', reply).data),
    )
    names.then(
      ({ users, groups }) => this.callBack(callback, undefined, users, groups),
      (error: unknown) => this.callBack(callback, error),
    )
  }

  #ask(extension: Extension, data: () => Writer, result: (reply: Reply) => unknown, callback: unknown): void {
    this.require(extension)
    const isSlow = extension === 'fsync' || extension === 'copyData'
    this.deliver(this.ask({ syscall: extension }, extended(extension, data()), result, { isSlow }), callback)
  }
}

function onHandle(handle: Buffer): Writer {
  checkHandle(handle)
  return new Writer().string(handle)
}

function checkedIds(ids: readonly number[], what: string): readonly number[] {
  if (ids.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 32)) return ids
  throw new Error(`${what} values must all be 32-bit unsigned integers`)
}

function fileSystemIn(reply: Reply): FileSystemStats {
  const { data } = expected('EXTENDED_REPLY', reply)
  const system = decodeFileSystem(data)
  return {
    f_bsize: Number(system.blockSize),
    f_frsize: Number(system.fragmentSize),
    f_blocks: Number(system.blocks),
    f_bfree: Number(system.freeBlocks),
    f_bavail: Number(system.availableBlocks),
    f_files: Number(system.files),
    f_ffree: Number(system.freeFiles),
    f_favail: Number(system.availableFiles),
    f_sid: Number(system.id),
    f_flag: Number(system.flags),
    f_namemax: Number(system.maxName),
  }
}

function nameIn(what: string): (reply: Reply) => string {
  return (reply) => {
    const [name] = expected('NAME', reply).names
    if (name === undefined) throw new Error(`Response missing ${what}`)
    return name.name.toString('utf8')
  }
}
