import type { Attributes } from './attributes.js'

/** The file types of POSIX, in the upper bits of a mode. */
export const fileType = {
  mask: 0o170000,
  fifo: 0o010000,
  characterDevice: 0o020000,
  directory: 0o040000,
  blockDevice: 0o060000,
  file: 0o100000,
  symbolicLink: 0o120000,
  socket: 0o140000,
} as const

/** What kind of file a mode is of; one that the server did not say is none of them. */
export class FileKind {
  readonly #type: number

  constructor(mode: number | undefined) {
    this.#type = (mode ?? 0) & fileType.mask
  }

  isFile(): boolean {
    return this.#type === fileType.file
  }

  isDirectory(): boolean {
    return this.#type === fileType.directory
  }

  isSymbolicLink(): boolean {
    return this.#type === fileType.symbolicLink
  }

  isFIFO(): boolean {
    return this.#type === fileType.fifo
  }

  isSocket(): boolean {
    return this.#type === fileType.socket
  }

  isBlockDevice(): boolean {
    return this.#type === fileType.blockDevice
  }

  isCharacterDevice(): boolean {
    return this.#type === fileType.characterDevice
  }
}

/** What SFTP 3 says of a file, as `node:fs` names it. What a server leaves out is NaN; OpenSSH leaves out nothing. */
export class Stats extends FileKind {
  /** Bytes. */
  readonly size: number
  /** Type and permissions. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Milliseconds since 1970, of which SFTP 3 tells whole seconds. */
  readonly atimeMs: number
  readonly mtimeMs: number

  constructor({ size, owner, mode, times }: Attributes) {
    super(mode)
    this.size = size === undefined ? Number.NaN : Number(size)
    this.mode = mode ?? Number.NaN
    this.uid = owner?.uid ?? Number.NaN
    this.gid = owner?.gid ?? Number.NaN
    this.atimeMs = times === undefined ? Number.NaN : times.atime * 1000
    this.mtimeMs = times === undefined ? Number.NaN : times.mtime * 1000
  }

  get atime(): Date {
    return new Date(this.atimeMs)
  }

  get mtime(): Date {
    return new Date(this.mtimeMs)
  }
}
