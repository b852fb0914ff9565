import { Deferred } from '../liveness/deferred.js'
import type { Attributes } from './attributes.js'
import type { Requester } from './pending-request.js'
import { closeLate } from './remote-file.js'
import type { Reply } from './replies.js'
import type { Request } from './requests.js'
import { handle } from './results.js'
import type { FileCall } from './sftp-error.js'
import type { SftpSession } from './sftp-session.js'

export interface FileRequestsSettings {
  readonly signal: AbortSignal | undefined
  /** Whose stack an error is to show. */
  readonly origin: Error
}

/**
 * What is asked for one file of the server, from OPEN on, and comes to one object: where each request had a promise, these took
 * more time than all that is done for a small file.
 */
export abstract class FileRequests<Result, Settings extends FileRequestsSettings> implements Requester {
  protected readonly session: SftpSession
  protected readonly path: Buffer
  protected readonly settings: Settings
  /** Undefined until the file is open. */
  protected handle: Buffer | undefined
  protected readonly result = new Deferred<Result>()

  constructor(session: SftpSession, path: Buffer, settings: Settings) {
    this.session = session
    this.path = path
    this.settings = settings
  }

  called({ type }: Request): FileCall {
    return { syscall: type.toLowerCase(), path: this.path.toString() }
  }

  answered(reply: Reply, request: Request): void {
    if (request.type === 'OPEN') {
      this.handle = reply.type === 'HANDLE' ? reply.handle : handle(this.called(request))(reply)
      this.opened(this.handle)
    } else this.came(reply, request)
  }

  abstract failed(error: unknown): void

  late(reply: Reply): void {
    if (this.handle === undefined) closeLate(this.session, reply)
  }

  protected abstract opened(opened: Buffer): void

  /** @throws what `failed` is to be told */
  protected abstract came(reply: Reply, request: Request): void

  /** @param flags bits of `openFlag` */
  protected open(flags: number, attributes: Attributes): Promise<Result> {
    this.ask({ type: 'OPEN', path: this.path, flags, attributes })
    return this.result.promise
  }

  protected ask(request: Request): void {
    const { signal, origin } = this.settings
    this.session.request(this, request, { signal, origin })
  }

  /** For whose reply nobody waits: it goes out whatever became of the signal. */
  protected letGo(opened: Buffer): void {
    this.session.request(this, { type: 'CLOSE', handle: opened }, { origin: this.settings.origin })
  }
}
