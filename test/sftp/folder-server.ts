/** An SFTP server over a folder of this machine, for the embedded SSH server: a subsystem that follows the draft. */
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import path from 'node:path'
import type { SessionHandler } from 'holdfast/testing'
import type { Attributes } from '#src/sftp/attributes.js'
import { encodeLimits, type ServerLimits } from '#src/sftp/extension-data.js'
import { extensions, openFlag, status } from '#src/sftp/numbers.js'
import { PacketMemory } from '#src/sftp/packet-memory.js'
import { Packets } from '#src/sftp/packets.js'
import { encodeReply, type NameEntry, type Reply } from '#src/sftp/replies.js'
import { decodeRequest, type Request } from '#src/sftp/requests.js'
import { encodeVersion } from '#src/sftp/version.js'
import { Reader } from '#src/wire/reader.js'

export interface FolderOptions {
  /** Whether it says of an open file how large it is. @default true */
  readonly saysSize?: boolean
  /** What it says of its limits. @default it does not say any */
  readonly limits?: ServerLimits
  /** Sees each request, and how many directories are open then. What it throws is the answer, which waits for what it returns. */
  readonly asked?: (request: Request, openDirectories: number) => unknown
  /** Has the last word on what is answered. */
  readonly answers?: (request: Request, reply: Reply) => Reply
}

/** Serves what is in the folder, as if nothing else were there: `/` is the folder. */
export function folderServer(root: string, options: FolderOptions = {}): SessionHandler {
  return async ({ stdin, stdout }) => {
    const folder = new Folder(root, options)
    const packets = new Packets(new PacketMemory())
    try {
      for await (const bytes of stdin as AsyncIterable<Buffer>) {
        const came: Buffer[] = []
        packets.push(bytes, (packet) => came.push(packet))
        for (const packet of came) stdout.write(await folder.answer(packet))
      }
    } finally {
      await folder.close()
    }
  }
}

type Opened = { readonly file: fs.FileHandle } | { readonly entries: NameEntry[] }

const done: Reply = { type: 'STATUS', code: status.OK, message: '' }
const end: Reply = { type: 'STATUS', code: status.EOF, message: 'End of file' }
const offered = [extensions.posixRename, extensions.hardlink, extensions.fsync]

class Folder {
  readonly #root: string
  readonly #opened = new Map<string, Opened>()
  readonly #saysSize: boolean
  readonly #limits: ServerLimits | undefined
  readonly #asked: NonNullable<FolderOptions['asked']>
  readonly #answers: NonNullable<FolderOptions['answers']>
  #count = 0

  constructor(
    root: string,
    { saysSize = true, limits, asked = () => {}, answers = (_, reply) => reply }: FolderOptions,
  ) {
    this.#root = root
    this.#limits = limits
    this.#saysSize = saysSize
    this.#asked = asked
    this.#answers = answers
  }

  async answer(packet: Buffer): Promise<Buffer> {
    if (packet[0] === 1) return encodeVersion(this.#limits === undefined ? offered : [...offered, extensions.limits])
    const { id, request } = decodeRequest(packet)
    return encodeReply(id, await this.#heed(request).catch(statusOf))
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.values()) if ('file' in opened) await opened.file.close()
  }

  async #heed(request: Request): Promise<Reply> {
    await this.#asked(request, [...this.#opened.values()].filter((opened) => 'entries' in opened).length)
    return this.#answers(request, await this.#reply(request))
  }

  async #reply(request: Request): Promise<Reply> {
    switch (request.type) {
      case 'OPEN': {
        const mode = request.attributes.mode ?? 0o666
        return this.#open({ file: await fs.open(this.#at(request.path), flagsOf(request.flags), mode) })
      }
      case 'OPENDIR':
        return this.#open({ entries: await this.#list(this.#at(request.path)) })
      case 'CLOSE': {
        const opened = this.#opened.get(String(request.handle))
        this.#opened.delete(String(request.handle))
        if (opened !== undefined && 'file' in opened) await opened.file.close()
        return done
      }
      case 'READ': {
        const buffer = Buffer.alloc(request.length)
        const { bytesRead } = await this.#file(request.handle).read(buffer, 0, request.length, Number(request.offset))
        return bytesRead === 0 ? end : { type: 'DATA', data: buffer.subarray(0, bytesRead) }
      }
      case 'WRITE':
        await this.#file(request.handle).write(request.data, 0, request.data.length, Number(request.offset))
        return done
      case 'READDIR': {
        const opened = this.#opened.get(String(request.handle))
        const names = opened !== undefined && 'entries' in opened ? opened.entries.splice(0, 100) : []
        return names.length === 0 ? end : { type: 'NAME', names }
      }
      case 'STAT':
        return { type: 'ATTRS', attributes: attributesOf(await fs.stat(this.#at(request.path))) }
      case 'LSTAT':
        return { type: 'ATTRS', attributes: attributesOf(await fs.lstat(this.#at(request.path))) }
      case 'FSTAT': {
        const { size, ...others } = attributesOf(await this.#file(request.handle).stat())
        return { type: 'ATTRS', attributes: this.#saysSize ? { size, ...others } : others }
      }
      case 'SETSTAT':
        await change(this.#at(request.path), request.attributes)
        return done
      case 'FSETSTAT':
        await changeOpen(this.#file(request.handle), request.attributes)
        return done
      case 'MKDIR':
        await fs.mkdir(this.#at(request.path), request.attributes.mode ?? 0o777)
        return done
      case 'RMDIR':
        await fs.rmdir(this.#at(request.path))
        return done
      case 'REMOVE':
        await fs.unlink(this.#at(request.path))
        return done
      case 'RENAME':
        await fs.rename(this.#at(request.from), this.#at(request.to))
        return done
      case 'SYMLINK':
        await fs.symlink(String(request.from), this.#at(request.to))
        return done
      case 'READLINK':
        return onePath(await fs.readlink(this.#at(request.path), { encoding: 'buffer' }))
      case 'REALPATH':
        return onePath(Buffer.from(path.posix.resolve('/', String(request.path))))
      case 'EXTENDED':
        break
    }
    return this.#extended(request.name, new Reader(request.name, request.data))
  }

  async #extended(name: string, reader: Reader): Promise<Reply> {
    if (name === extensions.fsync[0]) await this.#file(reader.string('handle')).sync()
    else if (name === extensions.posixRename[0])
      await fs.rename(this.#at(reader.string('from')), this.#at(reader.string('to')))
    else if (name === extensions.hardlink[0])
      await fs.link(this.#at(reader.string('from')), this.#at(reader.string('to')))
    else if (name === extensions.limits[0] && this.#limits !== undefined)
      return { type: 'EXTENDED_REPLY', data: encodeLimits(this.#limits) }
    else return { type: 'STATUS', code: status.OP_UNSUPPORTED, message: 'Operation unsupported' }
    return done
  }

  async #list(directory: string): Promise<NameEntry[]> {
    const names = await fs.readdir(directory, { encoding: 'buffer' })
    return Promise.all(
      names.map(async (name) => {
        const attributes = attributesOf(await fs.lstat(Buffer.concat([Buffer.from(`${directory}/`), name])))
        return { name, longName: name, attributes }
      }),
    )
  }

  #open(opened: Opened): Reply {
    const handle = String(this.#count++)
    this.#opened.set(handle, opened)
    return { type: 'HANDLE', handle: Buffer.from(handle) }
  }

  #file(handle: Buffer): fs.FileHandle {
    const opened = this.#opened.get(String(handle))
    if (opened === undefined || !('file' in opened)) throw new Error('Bad handle')
    return opened.file
  }

  #at(remote: Buffer): string {
    return path.join(this.#root, path.posix.resolve('/', String(remote)))
  }
}

function flagsOf(flags: number): number {
  const has = (flag: number): boolean => (flags & flag) !== 0
  const access = has(openFlag.READ) ? (has(openFlag.WRITE) ? constants.O_RDWR : constants.O_RDONLY) : constants.O_WRONLY
  return (
    access |
    (has(openFlag.APPEND) ? constants.O_APPEND : 0) |
    (has(openFlag.CREAT) ? constants.O_CREAT : 0) |
    (has(openFlag.TRUNC) ? constants.O_TRUNC : 0) |
    (has(openFlag.EXCL) ? constants.O_EXCL : 0)
  )
}

interface LocalStats {
  readonly size: number
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly atimeMs: number
  readonly mtimeMs: number
}

function attributesOf({ size, uid, gid, mode, atimeMs, mtimeMs }: LocalStats): Attributes {
  const times = { atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) }
  return { size: BigInt(size), owner: { uid, gid }, mode, times }
}

async function change(file: string, { size, owner, mode, times }: Attributes): Promise<void> {
  if (size !== undefined) await fs.truncate(file, Number(size))
  if (owner !== undefined) await fs.chown(file, owner.uid, owner.gid)
  if (mode !== undefined) await fs.chmod(file, mode & 0o7777)
  if (times !== undefined) await fs.utimes(file, times.atime, times.mtime)
}

async function changeOpen(file: fs.FileHandle, { size, owner, mode, times }: Attributes): Promise<void> {
  if (size !== undefined) await file.truncate(Number(size))
  if (owner !== undefined) await file.chown(owner.uid, owner.gid)
  if (mode !== undefined) await file.chmod(mode & 0o7777)
  if (times !== undefined) await file.utimes(times.atime, times.mtime)
}

function onePath(name: Buffer): Reply {
  return { type: 'NAME', names: [{ name, longName: name, attributes: {} }] }
}

function statusOf(error: unknown): Reply {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const known = code === 'ENOENT' ? status.NO_SUCH_FILE : code === 'EACCES' ? status.PERMISSION_DENIED : status.FAILURE
  return { type: 'STATUS', code: known, message: code === 'ENOENT' ? 'No such file' : 'Failure' }
}
