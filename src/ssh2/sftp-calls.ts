import type { Reply } from '../sftp/replies.js'
import type { PathBytes } from '../sftp/requests.js'
import { defaultListRoom, Room } from '../sftp/room.js'
import { printable } from '../wire/printable.js'
import { callError, noResponse } from './errors.js'
import { type Callback, done, expected, SftpRequests } from './sftp-requests.js'
import {
  attributesOf,
  entryOf,
  type FileEntry,
  type InputAttributes,
  isEof,
  type Stats,
  statsOf,
  stringToFlags,
  unixTime,
} from './sftp-values.js'

type Handle = Buffer
type Path = string | Buffer
type ReadCallback = (error: Error | undefined, bytesRead: number, data: Buffer, position: number) => void

/** The calls of SFTP, one request each but for whole directories. */
export class SftpCalls extends SftpRequests {
  open(path: Path, flags: string | number, callback: Callback<Handle>): void
  open(path: Path, flags: string | number, attrs: InputAttributes | number | string, callback: Callback<Handle>): void
  open(path: Path, flags: string | number, attrs: unknown, callback?: unknown): void {
    const [given, done_] = typeof attrs === 'function' ? [undefined, attrs] : [attrs, callback]
    const mask = typeof flags === 'number' ? flags : stringToFlags(flags)
    if (mask === null) throw new Error(`Unknown flags string: ${flags}`)
    const isMode = typeof given === 'string' || typeof given === 'number'
    const attributes = attributesOf(isMode ? { mode: given } : given)
    const request = { type: 'OPEN', path: bytes(path), flags: mask, attributes } as const
    const what = { syscall: 'open', path: String(path) }
    this.deliver(this.ask(what, request, handleIn, { late: (reply) => this.#closeLate(reply) }), done_)
  }

  close(handle: Handle, callback?: Callback): void {
    this.deliver(this.#onHandle('close', 'CLOSE', handle, done, true), callback)
  }

  /** Reads until so many bytes came, or the file ends. */
  read(
    handle: Handle,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback?: ReadCallback,
  ): void {
    checkHandle(handle)
    checkRange({ buffer, offset, length, position }, offset < buffer.length)
    this.#readAll(handle, buffer.subarray(offset, offset + length), position).then(
      (count) => this.callBack(callback, undefined, count, buffer.subarray(offset, offset + count), position),
      (error: unknown) => this.callBack(callback, error),
    )
  }

  readData(...args: Parameters<SftpCalls['read']>): void {
    this.read(...args)
  }

  write(
    handle: Handle,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback?: (error: Error | undefined, bytesWritten: number) => void,
  ): void {
    checkHandle(handle)
    checkRange({ buffer, offset, length, position }, offset <= buffer.length)
    const written = this.#writeAll(handle, buffer.subarray(offset, offset + length), position)
    this.deliver(
      // Where in the buffer the next write would begin, as ssh2 has it.
      written.then(() => (length === 0 ? 0 : offset + length)),
      callback,
    )
  }

  writeData(...args: Parameters<SftpCalls['write']>): void {
    this.write(...args)
  }

  opendir(path: Path, callback: Callback<Handle>): void {
    const late = (reply: Reply) => this.#closeLate(reply)
    const what = { syscall: 'opendir', path: String(path) }
    this.deliver(this.ask(what, { type: 'OPENDIR', path: bytes(path) }, handleIn, { late }), callback)
  }

  /** A directory by its path: all of it; by its handle: what the server gives at once. */
  readdir(where: Path, callback: Callback<FileEntry[]>): void
  readdir(where: Path, options: { readonly full?: boolean }, callback: Callback<FileEntry[]>): void
  readdir(where: Path, options: unknown, callback?: unknown): void {
    const done_ = typeof options === 'function' ? options : callback
    const isFull = typeof options === 'object' && options !== null && Boolean(Reflect.get(options, 'full'))
    if (typeof where !== 'string' && !Buffer.isBuffer(where)) throw new Error('missing directory handle or path')
    const wanted = ({ filename }: FileEntry) => isFull || (filename !== '.' && filename !== '..')
    const entries = typeof where === 'string' ? this.#readWhole(where) : this.#readSome(where)
    this.deliver(
      entries.then((all) => all.filter(wanted)),
      done_,
    )
  }

  stat(path: Path, callback: Callback<Stats>): void {
    this.deliver(this.#onPath('stat', 'STAT', path, statsIn), callback)
  }

  lstat(path: Path, callback: Callback<Stats>): void {
    this.deliver(this.#onPath('lstat', 'LSTAT', path, statsIn), callback)
  }

  fstat(handle: Handle, callback: Callback<Stats>): void {
    this.deliver(this.#onHandle('fstat', 'FSTAT', handle, statsIn), callback)
  }

  setstat(path: Path, attrs: InputAttributes, callback?: Callback): void {
    const [given, done_] = typeof attrs === 'function' ? [undefined, attrs] : [attrs, callback]
    const request = { type: 'SETSTAT', path: bytes(path), attributes: attributesOf(given) } as const
    this.deliver(this.ask({ syscall: 'setstat', path: String(path) }, request, done), done_)
  }

  fsetstat(handle: Handle, attrs: InputAttributes, callback?: Callback): void {
    checkHandle(handle)
    const [given, done_] = typeof attrs === 'function' ? [undefined, attrs] : [attrs, callback]
    const request = { type: 'FSETSTAT', handle, attributes: attributesOf(given) } as const
    this.deliver(this.ask({ syscall: 'fsetstat' }, request, done), done_)
  }

  utimes(path: Path, atime: number | Date, mtime: number | Date, callback?: Callback): void {
    this.setstat(path, { atime: unixTime(atime), mtime: unixTime(mtime) }, callback)
  }

  futimes(handle: Handle, atime: number | Date, mtime: number | Date, callback?: Callback): void {
    this.fsetstat(handle, { atime: unixTime(atime), mtime: unixTime(mtime) }, callback)
  }

  chown(path: Path, uid: number, gid: number, callback?: Callback): void {
    this.setstat(path, { uid, gid }, callback)
  }

  fchown(handle: Handle, uid: number, gid: number, callback?: Callback): void {
    this.fsetstat(handle, { uid, gid }, callback)
  }

  chmod(path: Path, mode: number | string, callback?: Callback): void {
    this.setstat(path, { mode }, callback)
  }

  fchmod(handle: Handle, mode: number | string, callback?: Callback): void {
    this.fsetstat(handle, { mode }, callback)
  }

  mkdir(path: Path, callback: Callback): void
  mkdir(path: Path, attrs: InputAttributes, callback: Callback): void
  mkdir(path: Path, attrs: unknown, callback?: unknown): void {
    const [given, done_] = typeof attrs === 'function' ? [undefined, attrs] : [attrs, callback]
    const request = { type: 'MKDIR', path: bytes(path), attributes: attributesOf(given) } as const
    this.deliver(this.ask({ syscall: 'mkdir', path: String(path) }, request, done), done_)
  }

  rmdir(path: Path, callback?: Callback): void {
    this.deliver(this.#onPath('rmdir', 'RMDIR', path, done), callback)
  }

  unlink(path: Path, callback?: Callback): void {
    this.deliver(this.#onPath('unlink', 'REMOVE', path, done), callback)
  }

  rename(oldPath: Path, newPath: Path, callback?: Callback): void {
    const request = { type: 'RENAME', from: bytes(oldPath), to: bytes(newPath) } as const
    const what = { syscall: 'rename', path: String(oldPath), dest: String(newPath) }
    this.deliver(this.ask(what, request, done), callback)
  }

  readlink(path: Path, callback: Callback<string>): void {
    this.deliver(this.#onPath('readlink', 'READLINK', path, nameIn('Response missing link info')), callback)
  }

  realpath(path: Path, callback: Callback<string>): void {
    this.deliver(this.#onPath('realpath', 'REALPATH', path, nameIn('Response missing path info')), callback)
  }

  symlink(targetPath: Path, linkPath: Path, callback?: Callback): void {
    const [target, link] = [bytes(targetPath), bytes(linkPath)]
    const [from, to] = this.linkComesFirst ? [link, target] : [target, link]
    const what = { syscall: 'symlink', path: String(targetPath), dest: String(linkPath) }
    this.deliver(this.ask(what, { type: 'SYMLINK', from, to }, done), callback)
  }

  exists(path: Path, callback: (exists: boolean) => void): void {
    this.#onPath('stat', 'STAT', path, statsIn).then(
      () => this.callBack(callback, true),
      () => this.callBack(callback, false),
    )
  }

  #onPath<T>(
    syscall: string,
    type: 'STAT' | 'LSTAT' | 'RMDIR' | 'REMOVE' | 'READLINK' | 'REALPATH',
    path: Path,
    result: (reply: Reply) => T,
  ): Promise<T> {
    return this.ask({ syscall, path: String(path) }, { type, path: bytes(path) }, result)
  }

  #onHandle<T>(
    syscall: string,
    type: 'CLOSE' | 'FSTAT' | 'READDIR',
    handle: Handle,
    result: (reply: Reply) => T,
    isSlow = false,
  ): Promise<T> {
    checkHandle(handle)
    return this.ask({ syscall }, { type, handle }, result, { isSlow })
  }

  async #readAll(handle: Handle, into: Buffer, position: number): Promise<number> {
    let read = 0
    while (read < into.length) {
      const wanted = Math.min(into.length - read, this._maxReadLen)
      const count = await this.#readOnce(handle, into.subarray(read, read + wanted), position + read)
      read += count
      // As ssh2: what is less than was asked for is given on as it is.
      if (count < wanted) break
    }
    return read
  }

  async #readOnce(handle: Handle, into: Buffer, position: number): Promise<number> {
    const request = { type: 'READ', handle, offset: BigInt(position), length: into.length } as const
    try {
      return await this.ask({ syscall: 'read' }, request, (reply) => {
        const { data } = expected('DATA', reply)
        if (data.length > into.length) throw new Error('Received more data than requested')
        return data.copy(into)
      })
    } catch (error) {
      if (isEof(error)) return 0
      throw error
    }
  }

  async #writeAll(handle: Handle, data: Buffer, position: number): Promise<void> {
    for (let at = 0; at < data.length; at += this._maxWriteLen) {
      const part = data.subarray(at, at + this._maxWriteLen)
      const request = { type: 'WRITE', handle, offset: BigInt(position + at), data: part } as const
      await this.ask({ syscall: 'write' }, request, done)
    }
  }

  async #readWhole(path: string): Promise<FileEntry[]> {
    const late = (reply: Reply) => this.#closeLate(reply)
    const opened = this.ask({ syscall: 'opendir', path }, { type: 'OPENDIR', path: bytes(path) }, handleIn, { late })
    const handle = await opened
    const entries: FileEntry[] = []
    const room = new Room(defaultListRoom, `the directory '${printable(path, 200)}'`)
    try {
      for (;;) {
        const some = await this.#readSome(handle)
        // A reply of nothing counts too, or there could be no end of them.
        room.takeEntry('')
        for (const { filename, longname } of some) room.takeEntry(filename + longname)
        entries.push(...some)
      }
    } catch (error) {
      const closed = this.#onHandle('close', 'CLOSE', handle, done)
      if (!isEof(error)) {
        await closed.catch(() => {})
        throw callError(error, noResponse(error))
      }
      await closed
      return entries
    }
  }

  #readSome(handle: Handle): Promise<FileEntry[]> {
    return this.#onHandle('readdir', 'READDIR', handle, (reply) => expected('NAME', reply).names.map(entryOf))
  }

  /** A handle that nobody waits for any more. */
  #closeLate(reply: Reply): void {
    if (reply.type === 'HANDLE') this.close(reply.handle)
  }
}

export function bytes(path: Path): PathBytes {
  return typeof path === 'string' ? Buffer.from(path, 'utf8') : Buffer.from(path)
}

/** @throws Error as ssh2 does */
export function checkHandle(handle: unknown): void {
  if (!Buffer.isBuffer(handle)) throw new Error('handle is not a Buffer')
}

interface Range {
  readonly buffer: unknown
  readonly offset: number
  readonly length: number
  readonly position: number | null
}

/** @throws Error as ssh2 does, in its order */
function checkRange({ buffer, offset, length, position }: Range, isInside: boolean): void {
  if (!Buffer.isBuffer(buffer)) throw new Error('buffer is not a Buffer')
  if (!isInside) throw new Error('offset is out of bounds')
  if (offset + length > buffer.length) throw new Error('length extends beyond buffer')
  if (position === null) throw new Error('null position currently unsupported')
}

function handleIn(reply: Reply): Handle {
  return expected('HANDLE', reply).handle
}

function statsIn(reply: Reply): Stats {
  return statsOf(expected('ATTRS', reply).attributes)
}

function nameIn(missing: string): (reply: Reply) => string {
  return (reply) => {
    const [name] = expected('NAME', reply).names
    if (name === undefined) throw new Error(missing)
    return name.name.toString('utf8')
  }
}
