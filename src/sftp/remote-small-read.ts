import type { Attributes } from './attributes.js'
import { FileRequests, type FileRequestsSettings } from './file-requests.js'
import { openFlag } from './numbers.js'
import type { Reply } from './replies.js'
import type { Request } from './requests.js'
import { attributes, data } from './results.js'

export interface RemoteReadSettings extends FileRequestsSettings {
  /** Bytes to ask for, of what one request may. */
  readonly length: number
}

export interface RemoteContent {
  /** Undefined where the file is empty. */
  readonly bytes: Buffer | undefined
  readonly attributes: Attributes
}

/**
 * Reads a file of the server that is known to be small: opens it, asks together for its content and what it is like now, and
 * closes it, for whose reply nobody waits: in two round trips.
 */
export class RemoteSmallRead extends FileRequests<RemoteContent, RemoteReadSettings> {
  #bytes: Buffer | undefined
  #attributes: Attributes | undefined
  #isRead = false
  #isClosed = false

  /** @throws SftpError; HoldfastError as `SftpSession.call`: where it fails, the server is told to close the file */
  run(): Promise<RemoteContent> {
    return this.open(openFlag.READ, {})
  }

  failed(error: unknown): void {
    this.result.reject(error)
    this.#close()
  }

  protected opened(opened: Buffer): void {
    this.ask({ type: 'READ', handle: opened, offset: 0n, length: this.settings.length })
    this.ask({ type: 'FSTAT', handle: opened })
  }

  protected came(reply: Reply, request: Request): void {
    if (request.type === 'READ') {
      this.#bytes = data(this.called(request), request.length)(reply)
      this.#isRead = true
    } else if (request.type === 'FSTAT')
      this.#attributes = reply.type === 'ATTRS' ? reply.attributes : attributes(this.called(request))(reply)
    if (!this.#isRead || this.#attributes === undefined) return
    this.#close()
    this.result.resolve({ bytes: this.#bytes, attributes: this.#attributes })
  }

  /**
   * Once all was answered: a server that works on requests side by side might close it under those before, and with the next
   * file's OPEN it costs less than with them.
   */
  #close(): void {
    if (this.handle === undefined || this.#isClosed) return
    this.#isClosed = true
    this.letGo(this.handle)
  }
}
