import { Deferred } from '../liveness/deferred.js'
import type { Attributes } from './attributes.js'
import { openFlag, status } from './numbers.js'
import type { Requester } from './pending-request.js'
import { closeLate } from './remote-file.js'
import type { Reply } from './replies.js'
import type { Request } from './requests.js'
import { done, handle } from './results.js'
import { type FileCall, ofPart } from './sftp-error.js'
import type { SftpSession } from './sftp-session.js'

export interface SmallContent {
  /** Bits of `openFlag`. */
  readonly flags: number
  /** Of a file that is made. */
  readonly mode: number
  /** What one request takes. Nobody looks at it any more once it is over. */
  readonly bytes: Uint8Array
  /** What the file is given once it is written. */
  readonly attributes: Attributes | undefined
  readonly signal: AbortSignal | undefined
  readonly origin: Error
}

/**
 * Opens a file of the server, writes what one request takes, and closes it: in two round trips where the server is known to
 * work on requests in their order, else each step once the one before it was answered. The replies come to one object: where
 * each had a promise, these took more time than all that is done here.
 */
export class RemoteSmallWrite implements Requester {
  /** Whether the file is there, emptied. */
  isOpened = false
  readonly #session: SftpSession
  readonly #path: Buffer
  readonly #content: SmallContent
  readonly #done = new Deferred<void>()
  #handle: Buffer | undefined
  /** What is still to be asked for, the last first. */
  #steps: Request[] = []
  #unanswered = 0

  constructor(session: SftpSession, path: Buffer, content: SmallContent) {
    this.#session = session
    this.#path = path
    this.#content = content
  }

  /** @throws SftpError; HoldfastError as `SftpSession.call`: where it fails, the server is told to close the file */
  run(): Promise<void> {
    const { flags, mode } = this.#content
    const attributes = (flags & openFlag.CREAT) === 0 ? {} : { mode }
    this.#request({ type: 'OPEN', path: this.#path, flags, attributes })
    return this.#done.promise
  }

  called({ type }: Request): FileCall {
    return { syscall: type.toLowerCase(), path: this.#path.toString() }
  }

  answered(reply: Reply, request: Request): void {
    this.#unanswered--
    if (request.type === 'OPEN')
      this.#begin(reply.type === 'HANDLE' ? reply.handle : handle(this.called(request))(reply))
    else if (reply.type !== 'STATUS' || reply.code !== status.OK) done(this.called(request))(reply)
    else if (this.#steps.length > 0) this.#askNext()
    else if (this.#unanswered === 0) this.#done.resolve()
  }

  failed(error: unknown): void {
    this.#done.reject(this.isOpened ? ofPart(error) : error)
    const [close] = this.#steps
    this.#steps = []
    if (close !== undefined) this.#request(close)
  }

  late(reply: Reply): void {
    if (this.#handle === undefined) closeLate(this.#session, reply)
  }

  #begin(opened: Buffer): void {
    const { bytes, attributes } = this.#content
    this.isOpened = true
    this.#handle = opened
    this.#steps.push({ type: 'CLOSE', handle: opened })
    if (attributes !== undefined) this.#steps.push({ type: 'FSETSTAT', handle: opened, attributes })
    if (bytes.length > 0) this.#steps.push({ type: 'WRITE', handle: opened, offset: 0n, data: bytes })
    this.#askNext()
  }

  #askNext(): void {
    const step = this.#steps.pop()
    if (step === undefined) return
    this.#request(step)
    if (this.#session.keepsOrder) this.#askNext()
  }

  /** What was written may go to the disk only as the file is closed, which takes its time; and that is asked for whoever gave up. */
  #request(request: Request): void {
    this.#unanswered++
    const { signal, origin, bytes } = this.#content
    const isClose = request.type === 'CLOSE'
    this.#session.request(this, request, { signal, isSlow: isClose && bytes.length > 0, goesAnyway: isClose, origin })
  }
}
