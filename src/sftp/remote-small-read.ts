import { Deferred } from '../liveness/deferred.js'
import type { Attributes } from './attributes.js'
import { openFlag } from './numbers.js'
import type { Requester } from './pending-request.js'
import { closeLate } from './remote-file.js'
import type { Reply } from './replies.js'
import type { Request } from './requests.js'
import { attributes, data, handle } from './results.js'
import type { FileCall } from './sftp-error.js'
import type { SftpSession } from './sftp-session.js'

export interface RemoteReadSettings {
  /** Bytes to ask for, of what one request may. */
  readonly length: number
  readonly signal: AbortSignal | undefined
  readonly origin: Error
}

export interface RemoteContent {
  /** Undefined where the file is empty. */
  readonly bytes: Buffer | undefined
  readonly attributes: Attributes
}

/**
 * Opens a file of the server, reads the first of it by one request, asks what it is like, and closes it, for whose reply nobody
 * waits: in two round trips. The replies come to one object, as those of `RemoteSmallWrite`.
 */
export class RemoteSmallRead implements Requester {
  readonly #session: SftpSession
  readonly #path: Buffer
  readonly #settings: RemoteReadSettings
  readonly #done = new Deferred<RemoteContent>()
  #handle: Buffer | undefined
  #bytes: Buffer | undefined
  #attributes: Attributes | undefined
  #isRead = false
  #isClosed = false

  constructor(session: SftpSession, path: Buffer, settings: RemoteReadSettings) {
    this.#session = session
    this.#path = path
    this.#settings = settings
  }

  /** @throws SftpError; HoldfastError as `SftpSession.call`: where it fails, the server is told to close the file */
  run(): Promise<RemoteContent> {
    this.#request({ type: 'OPEN', path: this.#path, flags: openFlag.READ, attributes: {} })
    return this.#done.promise
  }

  called({ type }: Request): FileCall {
    return { syscall: type.toLowerCase(), path: this.#path.toString() }
  }

  answered(reply: Reply, request: Request): void {
    if (request.type === 'OPEN')
      this.#begin(reply.type === 'HANDLE' ? reply.handle : handle(this.called(request))(reply))
    else if (request.type === 'READ') {
      this.#bytes = data(this.called(request), request.length)(reply)
      this.#isRead = true
    } else if (request.type === 'FSTAT')
      this.#attributes = reply.type === 'ATTRS' ? reply.attributes : attributes(this.called(request))(reply)
    if (!this.#isRead || this.#attributes === undefined) return
    this.#close()
    this.#done.resolve({ bytes: this.#bytes, attributes: this.#attributes })
  }

  failed(error: unknown): void {
    this.#done.reject(error)
    this.#close()
  }

  late(reply: Reply): void {
    if (this.#handle === undefined) closeLate(this.#session, reply)
  }

  #begin(opened: Buffer): void {
    this.#handle = opened
    this.#request({ type: 'READ', handle: opened, offset: 0n, length: this.#settings.length })
    this.#request({ type: 'FSTAT', handle: opened })
  }

  /**
   * Once all was answered: a server that works on requests side by side might close it under those before, and with the next
   * file's OPEN it costs less than with them.
   */
  #close(): void {
    if (this.#handle === undefined || this.#isClosed) return
    this.#isClosed = true
    this.#request({ type: 'CLOSE', handle: this.#handle })
  }

  #request(request: Request): void {
    const { signal, origin } = this.#settings
    this.#session.request(this, request, { signal: request.type === 'CLOSE' ? undefined : signal, origin })
  }
}
