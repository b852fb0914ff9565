import { FileRequests, type FileRequestsSettings } from './file-requests.js'
import { openFlag, status } from './numbers.js'
import { firstLength } from './read-ahead.js'
import { RemoteFile } from './remote-file.js'
import type { Reply } from './replies.js'
import type { Request } from './requests.js'
import { attributes, data } from './results.js'

export interface FirstReadSettings extends FileRequestsSettings {
  /** The first byte that is not wanted. */
  readonly end: number
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
 * Opens a file of the server of which nothing is known, and asks together how large it is and for the first of it, which is all
 * of a small file. That the server says no size must not fail what is read, nor hold it up.
 */
export class RemoteFirstRead extends FileRequests<FirstRead, FirstReadSettings> {
  #size: number | undefined
  #isOver = false

  /** @returns the file, which is open. @throws SftpError; HoldfastError as `SftpSession.call`: then the server is told to close it */
  run(): Promise<FirstRead> {
    return this.open(openFlag.READ, {})
  }

  failed(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.result.reject(error)
    if (this.handle === undefined) return
    this.session.flow.leave()
    this.letGo(this.handle)
  }

  protected opened(opened: Buffer): void {
    const { flow, sizes } = this.session
    const length = firstLength({ flow, maxRead: sizes.read }, { start: 0, end: this.settings.end })
    flow.join()
    this.ask({ type: 'FSTAT', handle: opened })
    this.ask({ type: 'READ', handle: opened, offset: 0n, length })
  }

  protected came(reply: Reply, request: Request): void {
    if (request.type === 'READ') this.#finish(request.length, data(this.called(request), request.length)(reply))
    else if (request.type === 'FSTAT') this.#look(reply, request)
  }

  #look(reply: Reply, request: Request): void {
    if (reply.type === 'STATUS' && reply.code !== status.OK) return
    const { size } = attributes(this.called(request))(reply)
    this.#size = size === undefined ? undefined : Number(size)
  }

  #finish(asked: number, bytes: Buffer | undefined): void {
    if (this.handle === undefined || this.#isOver) return
    this.#isOver = true
    this.session.flow.leave()
    const file = new RemoteFile(this.session, this.path.toString(), this.handle, this.settings.origin)
    const isWhole = bytes === undefined || (bytes.length < asked && bytes.length === this.#size)
    this.result.resolve({ file, bytes, size: this.#size, isWhole })
  }
}
