import type { Reply } from './replies.js'
import type { RequestBatch } from './request-batch.js'
import type { Request } from './requests.js'
import type { FileCall } from './sftp-error.js'

/**
 * Who makes requests. What comes of them is told at once, while packets are handled: no promise stands between, since one
 * for each request of a small file took as much time as the requests.
 */
export interface Requester {
  /** What was requested, as errors are to say it. */
  called(request: Request): FileCall
  /** @throws what `failed` is to be told; ERR_SSH_SFTP_PROTOCOL ends the session too */
  answered(reply: Reply, request: Request): void
  failed(error: unknown): void
  /** Gets a reply that came after the wait for it had ended: what it brings has no owner. */
  readonly late?: ((reply: Reply) => void) | undefined
}

export interface RequestSettings {
  /** Milliseconds. */
  readonly limitMs: number
  readonly signal: AbortSignal | undefined
  /** Whether it goes out also once the signal is aborted: what is open there is to be closed. */
  readonly goesAnyway: boolean
  /** Made where the call was: an error made of the reply would show how packets are read. */
  readonly origin: Error
}

/** A request whose reply somebody waits for. */
export class PendingRequest {
  readonly requester: Requester
  readonly request: Request
  readonly settings: RequestSettings
  id = 0
  /** With which it leaves, once its turn has come; and where it stands there. */
  batch: RequestBatch | undefined
  index = 0
  /** Whether it is on its way. */
  isGiven = false
  /** Whether the requester has been told that it failed, who wants to hear no more of it. */
  isGivenUp = false

  constructor(requester: Requester, request: Request, settings: RequestSettings) {
    this.requester = requester
    this.request = request
    this.settings = settings
  }

  /** Whether the server may have got it: a WRITE is one of many. */
  get mayHaveGone(): boolean {
    return this.isGiven && (this.request.type === 'WRITE' || this.batch?.isHandedOver === true)
  }

  /** Whether only its caller has given up: what is open there is closed all the same, behind all that was requested for it. */
  get keepsPlace(): boolean {
    const { goesAnyway, signal } = this.settings
    return goesAnyway && !this.isGivenUp && signal?.aborted === true
  }

  /** Bytes of data that it carries one way or the other, or asks for. */
  get cost(): number {
    const { request } = this
    if (request.type === 'READ') return request.length
    return request.type === 'WRITE' ? request.data.length : 0
  }

  /** Bytes of data that went or came. */
  movedBy(reply: Reply): number {
    if (reply.type === 'DATA') return reply.data.length
    return this.request.type === 'WRITE' ? this.request.data.length : 0
  }
}
