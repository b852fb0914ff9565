import type { Attributes } from './attributes.js'
import { FileRequests, type FileRequestsSettings } from './file-requests.js'
import { openFlag, status } from './numbers.js'
import type { Reply } from './replies.js'
import type { Request } from './requests.js'
import { done } from './results.js'
import { ofPart } from './sftp-error.js'

export interface SmallContent extends FileRequestsSettings {
  /** Bits of `openFlag`. */
  readonly flags: number
  /** Of a file that is made. */
  readonly mode: number
  /** What one request takes. Nobody looks at it any more once it is over. */
  readonly bytes: Uint8Array
  /** What the file is given once it is written. */
  readonly attributes: Attributes | undefined
}

/**
 * Writes a small file of the server: opens it, writes what one request takes, and closes it: in two round trips where the server
 * is known to work on requests in their order, else each step once the one before it was answered.
 */
export class RemoteSmallWrite extends FileRequests<void, SmallContent> {
  /** What is still to be asked for, the last first. */
  #steps: Request[] = []
  #unanswered = 0

  /** Whether the file is there, emptied. */
  get isOpened(): boolean {
    return this.handle !== undefined
  }

  /** @throws SftpError; HoldfastError as `SftpSession.call`: where it fails, the server is told to close the file */
  run(): Promise<void> {
    const { flags, mode } = this.settings
    return this.open(flags, (flags & openFlag.CREAT) === 0 ? {} : { mode })
  }

  failed(error: unknown): void {
    this.result.reject(this.isOpened ? ofPart(error) : error)
    const [close] = this.#steps
    this.#steps = []
    if (close !== undefined) this.#close(close)
  }

  protected opened(opened: Buffer): void {
    const { bytes, attributes } = this.settings
    this.#steps.push({ type: 'CLOSE', handle: opened })
    if (attributes !== undefined) this.#steps.push({ type: 'FSETSTAT', handle: opened, attributes })
    if (bytes.length > 0) this.#steps.push({ type: 'WRITE', handle: opened, offset: 0n, data: bytes })
    this.#askNext()
  }

  protected came(reply: Reply, request: Request): void {
    this.#unanswered--
    if (reply.type !== 'STATUS' || reply.code !== status.OK) done(this.called(request))(reply)
    else if (this.#steps.length > 0) this.#askNext()
    else if (this.#unanswered === 0) this.result.resolve()
  }

  #askNext(): void {
    const step = this.#steps.pop()
    if (step === undefined) return
    this.#unanswered++
    if (step.type === 'CLOSE') this.#close(step)
    else this.ask(step)
    if (this.session.keepsOrder) this.#askNext()
  }

  /** What was written may go to the disk only as the file is closed, which takes its time; and that is asked for whoever gave up. */
  #close(request: Request): void {
    const { signal, origin, bytes } = this.settings
    this.session.request(this, request, { signal, isSlow: bytes.length > 0, goesAnyway: true, origin })
  }
}
