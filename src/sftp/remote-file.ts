import { Writer } from '../wire/writer.js'
import type { Attributes } from './attributes.js'
import { writeCopyData } from './extension-data.js'
import { type Flow, leastUnderWay } from './flow.js'
import { openFlag } from './numbers.js'
import type { ReadSource } from './read-ahead.js'
import type { Reply } from './replies.js'
import { extended, type Request } from './requests.js'
import { attributes, data, done, handle, type Result } from './results.js'
import type { FileCall } from './sftp-error.js'
import type { CallSettings, SftpSession } from './sftp-session.js'
import type { SftpSessions } from './sftp-sessions.js'
import type { WriteTarget } from './write-behind.js'

export interface OpenSettings {
  /** Bits of `openFlag`. */
  readonly flags: number
  /** Of a file that is made. */
  readonly mode: number
  readonly signal: AbortSignal | undefined
  /** See `CallSettings`: for OPEN, and for what is asked of the file. */
  readonly origin?: Error | undefined
}

/** sshd takes 2 MiB in a round trip, however far it is: more than its window and the answers to as much would only wait here. */
const mostWritten = 2 * leastUnderWay

/** An open file of the server, by its handle: requests, and nothing else. */
export class RemoteFile implements ReadSource, WriteTarget {
  /** As errors are to show it. */
  readonly path: string
  readonly #session: SftpSession
  readonly #handle: Buffer
  readonly #origin: Error | undefined
  /** Something goes to the server's disk, for which CLOSE may have to wait. */
  #hasWritten = false

  /** @param opened the handle of what is open already */
  constructor(session: SftpSession, path: string, opened: Buffer, origin: Error | undefined) {
    this.#session = session
    this.path = path
    this.#handle = opened
    this.#origin = origin
  }

  /** @throws SftpError */
  static async open(
    sessions: SftpSessions,
    path: Buffer,
    { flags, mode, signal, origin }: OpenSettings,
  ): Promise<RemoteFile> {
    const session = await sessions.current(signal)
    const what = { syscall: 'open', path: path.toString() }
    const given = (flags & openFlag.CREAT) === 0 ? {} : { mode }
    const request: Request = { type: 'OPEN', path, flags, attributes: given }
    const call = { what, request, result: handle(what), late: (reply: Reply) => closeLate(session, reply) }
    const opened = await session.call(call, { signal, origin })
    return new RemoteFile(session, what.path, opened, origin)
  }

  /** To which it belongs, and with which it ends. */
  get session(): SftpSession {
    return this.#session
  }

  get maxRead(): number {
    return this.#session.sizes.read
  }

  get maxWrite(): number {
    return this.#session.sizes.write
  }

  get flow(): Flow {
    return this.#session.flow
  }

  /** See `SftpSession.keepsOrder`. */
  get keepsOrder(): boolean {
    return this.#session.keepsOrder
  }

  /** A server that works on requests side by side may have written any of them where the connection breaks: see `resumeOffset`. */
  get mostUnderWay(): number {
    return this.keepsOrder ? Math.min(mostWritten, this.flow.mostBytes) : leastUnderWay
  }

  readAt(offset: number, length: number, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    const request: Request = { type: 'READ', handle: this.#handle, offset: BigInt(offset), length }
    return this.#call('read', request, (what) => data(what, length), { signal })
  }

  /** See `SftpSession.giveBack`. */
  giveBack(bytes: Buffer): void {
    this.#session.giveBack(bytes)
  }

  writeAt(offset: number, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    this.#hasWritten = true
    const request: Request = { type: 'WRITE', handle: this.#handle, offset: BigInt(offset), data: bytes }
    return this.#call('write', request, done, { signal })
  }

  /** What the program is to give for it: see `SftpSession.given`. */
  given<T>(next: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return this.#session.given(next, this.#what('write'), signal)
  }

  attributes(signal: AbortSignal | undefined): Promise<Attributes> {
    return this.#call('fstat', { type: 'FSTAT', handle: this.#handle }, attributes, { signal })
  }

  /** @param syscall what changes: `fchmod`, `ftruncate` */
  setAttributes(syscall: string, changed: Attributes, signal: AbortSignal | undefined): Promise<void> {
    return this.#call(syscall, { type: 'FSETSTAT', handle: this.#handle, attributes: changed }, done, { signal })
  }

  /** What was written goes to the disk. @throws SftpError ENOTSUP */
  async sync(signal: AbortSignal | undefined): Promise<void> {
    this.#session.require('fsync', this.#what('fsync'))
    this.#hasWritten = true
    const request = extended('fsync', new Writer().string(this.#handle))
    return this.#call('fsync', request, done, { signal, isSlow: true })
  }

  /** The server copies by itself, up to the end of this file. @throws SftpError ENOTSUP */
  async copyTo(target: RemoteFile, signal: AbortSignal | undefined): Promise<void> {
    const what = { ...this.#what('copyfile'), dest: target.path }
    this.#session.require('copyData', what)
    target.#hasWritten = true
    const whole = { from: this.#handle, fromOffset: 0n, length: 0n, to: target.#handle, toOffset: 0n }
    const request = extended('copyData', writeCopyData(whole))
    return this.#session.call({ what, request, result: done(what) }, { signal, isSlow: true })
  }

  /** What was written may go to the disk only now, which takes its time. */
  close(signal?: AbortSignal): Promise<void> {
    const settings = { signal, isSlow: this.#hasWritten, goesAnyway: true }
    return this.#call('close', { type: 'CLOSE', handle: this.#handle }, done, settings)
  }

  #call<T>(
    syscall: string,
    request: Request,
    result: (call: FileCall) => Result<T>,
    settings: CallSettings,
  ): Promise<T> {
    const what = this.#what(syscall)
    return this.#session.call({ what, request, result: result(what) }, { ...settings, origin: this.#origin })
  }

  #what(syscall: string): FileCall {
    return { syscall, path: this.path }
  }
}

/** Whoever opened it has given up: the server must not keep it open. */
export function closeLate(session: SftpSession, reply: Reply): void {
  if (reply.type !== 'HANDLE') return
  const what = { syscall: 'close' }
  const request: Request = { type: 'CLOSE', handle: reply.handle }
  session.call({ what, request, result: done(what) }).catch(() => {})
}
