import { Deferred } from '../liveness/deferred.js'
import { openFlag, status } from './numbers.js'
import type { Requester } from './pending-request.js'
import { firstLength } from './read-ahead.js'
import { closeLate, RemoteFile } from './remote-file.js'
import type { Reply } from './replies.js'
import type { Request } from './requests.js'
import { attributes, data, handle } from './results.js'
import type { FileCall } from './sftp-error.js'
import type { SftpSession } from './sftp-session.js'

export interface FirstReadSettings {
  /** The first byte that is not wanted. */
  readonly end: number
  readonly signal: AbortSignal | undefined
  readonly origin: Error
}

/** What comes first of a file, and what is known of it by then. */
export interface FirstRead {
  readonly file: RemoteFile
  /** Undefined where it is empty. */
  readonly bytes: Buffer | undefined
  readonly size: number | undefined
  /** Whether nothing follows. */
  readonly isWhole: boolean
}

/**
 * Opens a file of the server, and asks in one flight how large it is and for the first of it, which is all of a small file. The
 * replies come to one object, as those of `RemoteSmallWrite`. That it says no size must not fail what is read, nor hold it up.
 */
export class RemoteFirstRead implements Requester {
  readonly #session: SftpSession
  readonly #path: Buffer
  readonly #settings: FirstReadSettings
  readonly #done = new Deferred<FirstRead>()
  #handle: Buffer | undefined
  #size: number | undefined
  #isOver = false

  constructor(session: SftpSession, path: Buffer, settings: FirstReadSettings) {
    this.#session = session
    this.#path = path
    this.#settings = settings
  }

  /** @returns the file, which is open. @throws SftpError; HoldfastError as `SftpSession.call`: then the server is told to close it */
  run(): Promise<FirstRead> {
    this.#request({ type: 'OPEN', path: this.#path, flags: openFlag.READ, attributes: {} })
    return this.#done.promise
  }

  called({ type }: Request): FileCall {
    return { syscall: type.toLowerCase(), path: this.#path.toString() }
  }

  answered(reply: Reply, request: Request): void {
    if (request.type === 'OPEN')
      this.#begin(reply.type === 'HANDLE' ? reply.handle : handle(this.called(request))(reply))
    else if (request.type === 'READ') this.#finish(request.length, data(this.called(request), request.length)(reply))
    else if (request.type === 'FSTAT') this.#look(reply, request)
  }

  failed(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#done.reject(error)
    if (this.#handle === undefined) return
    this.#session.flow.leave()
    this.#request({ type: 'CLOSE', handle: this.#handle })
  }

  late(reply: Reply): void {
    if (this.#handle === undefined) closeLate(this.#session, reply)
  }

  #begin(opened: Buffer): void {
    const { flow, sizes } = this.#session
    const length = firstLength({ flow, maxRead: sizes.read }, { start: 0, end: this.#settings.end })
    this.#handle = opened
    flow.join()
    this.#request({ type: 'FSTAT', handle: opened })
    this.#request({ type: 'READ', handle: opened, offset: 0n, length })
  }

  #look(reply: Reply, request: Request): void {
    if (reply.type === 'STATUS' && reply.code !== status.OK) return
    const { size } = attributes(this.called(request))(reply)
    this.#size = size === undefined ? undefined : Number(size)
  }

  #finish(asked: number, bytes: Buffer | undefined): void {
    if (this.#handle === undefined || this.#isOver) return
    this.#isOver = true
    this.#session.flow.leave()
    const file = RemoteFile.of(this.#session, this.#path.toString(), this.#handle, this.#settings.origin)
    const isWhole = bytes === undefined || (bytes.length < asked && bytes.length === this.#size)
    this.#done.resolve({ file, bytes, size: this.#size, isWhole })
  }

  /** CLOSE goes out whatever became of the signal. */
  #request(request: Request): void {
    const { signal, origin } = this.#settings
    this.#session.request(this, request, { signal: request.type === 'CLOSE' ? undefined : signal, origin })
  }
}
