import { type Delivery, HoldfastError, takeFrames } from '../errors.js'
import { Deferred } from '../liveness/deferred.js'
import { Members } from '../liveness/members.js'
import type { WaitOptions } from '../liveness/waits.js'
import type { Flow } from './flow.js'
import { PendingRequest, type Requester, type RequestSettings } from './pending-request.js'
import { decodeReply, type Reply } from './replies.js'
import { replyTo } from './request-batch.js'
import { RequestWriter, type RequestWriterPort } from './request-writer.js'
import { encodeRequest, idOffset, type Request } from './requests.js'
import { SentRequests } from './sent-requests.js'
import { type FileCall, SftpError, sftpProtocolError, withDelivery } from './sftp-error.js'

/** The way of packets to the server. */
export interface RequestPort extends Omit<RequestWriterPort, 'failed' | 'left'> {
  readonly flow: Flow
  /** Whether what was written before still waits here. */
  readonly isFull: boolean
  /** Whether the server lets us send nothing more: it does not read. */
  readonly isStuck: boolean
  /** Whether what was written and has not been sent yet never will be: the connection is gone. */
  readonly isLost: boolean
}

/** What a program waits for. */
export interface Call<T> {
  readonly what: FileCall
  readonly request: Request
  /** Makes the result of the reply, or throws what the call rejects with; ERR_SSH_SFTP_PROTOCOL ends the session too. */
  readonly result: (reply: Reply) => T
  /** Gets a reply that came after the call had ended: what it brings has no owner. */
  readonly late?: ((reply: Reply) => void) | undefined
}

/** A call that waits to be sent. */
interface Turn {
  /** @returns false when the call has been given up */
  go(): boolean
  fail(cause: HoldfastError): void
}

/**
 * Calls beyond these wait here: so many, or twice the bytes that fill the link. Where the link is near or slow these are
 * 4 MiB, which one of 48 kB/s carries in 90 s, well within the ten limits that a reply may take on a link that is merely full;
 * and calls that were given up can fill no more memory than this.
 */
const maxUnanswered = 1024
const sharedFactor = 2

/**
 * The requests of one SFTP session. Replies may come in any order, so each request has an id, which stays taken until
 * its reply has come, whatever became of the call: nobody else gets a reply that comes late.
 */
export class RequestTable {
  readonly #port: RequestPort
  readonly #sent = new SentRequests<PendingRequest>(maxUnanswered)
  /** In the order of the calls. */
  readonly #turns = new Members<Turn>()
  readonly #writer: RequestWriter
  #bytesUnderWay = 0
  #replies = 0
  #cause: HoldfastError | undefined

  constructor(port: RequestPort) {
    this.#port = port
    this.#writer = new RequestWriter({
      waits: port.waits,
      memory: port.memory,
      now: () => port.now(),
      write: (bytes, sent) => {
        port.write(bytes, sent)
        // Behind others that wait, these do not begin to wait: nobody will tell of them.
        this.stalled()
      },
      failed: (request, error) => this.#failed(request, error),
      left: () => this.pump(),
    })
  }

  /**
   * Sends a request, now or as soon as there is room for it, and waits for its reply.
   * @throws HoldfastError ERR_SSH_TIMEOUT (limit `sftp`), ERR_SSH_ABORTED, why the session ended; what `result` throws
   */
  call<T>({ what, request, result, late }: Call<T>, settings: RequestSettings): Promise<T> {
    const { promise, resolve, reject } = new Deferred<T>()
    this.request(
      { called: () => what, answered: (reply) => resolve(result(reply)), failed: reject, late },
      request,
      settings,
    )
    return promise
  }

  /** The same, for who needs no promise. Whatever comes of it comes later. */
  request(requester: Requester, request: Request, settings: RequestSettings): void {
    // Encoded now: a program may use its buffer again once a stream has taken what is in it.
    const packet = encodeRequest(0, request, this.#port.memory)
    const pending = new PendingRequest(requester, request, settings)
    const goesAtOnce = this.#cause !== undefined || (this.#hasRoom && this.#turns.size === 0)
    if (goesAtOnce) this.#send(pending, packet)
    else void this.#inTurn(pending, packet)
  }

  /** Whether no reply is waited for, and none will be soon. */
  get isIdle(): boolean {
    return this.#sent.size === 0 && !this.#port.flow.isRead
  }

  /** An idle session holds no memory for packets. */
  freeIfIdle(): void {
    if (this.isIdle) this.#port.memory.clear()
  }

  /** What was written has gone out, or a reply has come: there may be room for more. */
  pump(): void {
    for (let turn = this.#turns.first; turn !== undefined && this.#hasRoom; ) {
      const next = turn.behind
      if (turn.value.go()) this.#turns.remove(turn)
      turn = next
    }
    this.stalled()
  }

  /** What a server that does not read is to be sent would else wait long before its clock runs. */
  stalled(): void {
    if (this.#port.isStuck) this.#writer.stuck()
  }

  /** @param packet without its length. @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_SFTP_PROTOCOL */
  receive(packet: Buffer): void {
    const { id, reply } = decodeReply(packet)
    const pending = this.#sent.take(id)
    if (pending === undefined) throw sftpProtocolError(`the server answers a request ${id}, which nobody sent`)
    this.#measure(pending, reply)
    this.#bytesUnderWay -= pending.cost
    this.#replies++
    this.freeIfIdle()
    this.#answer(pending, reply)
    this.pump()
  }

  /** The session is over: what waits, and what is asked for from now on, fails with this. */
  end(cause: HoldfastError): void {
    this.#cause ??= cause
    const [sent, turns] = [this.#sent.all(), this.#turns.all()]
    this.#sent.clear()
    for (const { batch } of sent) batch?.reject(this.#cause)
    for (const turn of turns) turn.value.fail(this.#cause)
    this.#port.memory.clear()
  }

  get #hasRoom(): boolean {
    const { isFull, flow } = this.#port
    return !isFull && this.#sent.size < maxUnanswered && this.#bytesUnderWay < sharedFactor * flow.mostBytes
  }

  #measure(pending: PendingRequest, reply: Reply): void {
    const now = this.#port.now()
    const leftAt = pending.batch?.leftAt
    if (leftAt !== undefined) this.#port.flow.answered(leftAt, now)
    const bytes = pending.movedBy(reply)
    if (bytes > 0) this.#port.flow.moved(bytes, this.#bytesUnderWay, now)
  }

  async #inTurn(pending: PendingRequest, packet: Buffer): Promise<void> {
    const turn: Turn = { go: () => false, fail: () => {} }
    const place = this.#turns.add(turn)
    try {
      await this.#turn(turn, pending, packet)
    } catch (error) {
      this.#giveUp(pending, error, 'not-sent')
    } finally {
      this.#turns.remove(place)
    }
  }

  /** Waits for as long as the server answers anything at all: what is ahead of this call may be much. */
  async #turn(turn: Turn, pending: PendingRequest, packet: Buffer): Promise<void> {
    for (;;) {
      // It ended after the wait before this one did, which could not be told of it any more.
      if (this.#cause !== undefined) throw this.#cause
      const replies = this.#replies
      const wait = this.#port.waits.start<void>(turnOf(pending))
      wait.sent()
      turn.go = () => {
        if (!wait.pending) return false
        wait.resolve()
        this.#send(pending, packet)
        return true
      }
      turn.fail = (cause) => wait.reject(cause)
      // There may have been room between two waits.
      this.pump()
      try {
        return await wait.promise
      } catch (error) {
        if (pending.keepsPlace) this.#giveUp(pending, error, 'unknown')
        else if (this.#replies === replies || !isCode(error, 'ERR_SSH_TIMEOUT')) throw error
      }
    }
  }

  #send(pending: PendingRequest, packet: Buffer): void {
    const batch = this.#writer.batchFor(pending, packet.length)
    pending.batch = batch
    if (this.#cause !== undefined) batch.reject(this.#cause)
    if (!batch.isPending && (this.#cause !== undefined || !pending.settings.goesAnyway)) return
    pending.isGiven = true
    this.#sent.add(pending)
    this.#bytesUnderWay += pending.cost
    packet.writeUInt32BE(pending.id, idOffset)
    this.#writer.send(pending, packet)
  }

  /** @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_SFTP_PROTOCOL when the reply is none to this request */
  #answer(pending: PendingRequest, reply: Reply): void {
    const { requester, request, settings, batch } = pending
    if (batch?.answered(pending) !== true) {
      requester.late?.(reply)
      return
    }
    try {
      requester.answered(reply, request)
    } catch (error) {
      if (error instanceof SftpError) takeFrames(error, settings.origin)
      requester.failed(this.#told(error, 'unknown'))
      if (error instanceof HoldfastError && breaksProtocol.has(error.code)) throw error
    }
  }

  /** Whoever gives a call up takes nothing back: what waits for the link, or for room there, goes out later. */
  #failed(pending: PendingRequest, error: unknown): void {
    const isUnsent = !pending.isGiven || (this.#port.isLost && !pending.mayHaveGone)
    this.#giveUp(pending, error, isUnsent ? 'not-sent' : 'unknown')
  }

  #giveUp(pending: PendingRequest, error: unknown, delivery: Delivery): void {
    if (pending.isGivenUp) return
    pending.isGivenUp = true
    pending.requester.failed(this.#told(error, delivery))
  }

  /** What a call failed for, with what is known of it; what the server answered says that by itself. */
  #told(error: unknown, delivery: Delivery): unknown {
    const isAnswer = error instanceof HoldfastError && breaksProtocol.has(error.code) && error !== this.#cause
    return isAnswer ? error : withDelivery(error, delivery, error === this.#cause)
  }
}

/** The wait of a request for its turn. */
function turnOf(pending: PendingRequest): WaitOptions {
  const { limitMs, signal, origin } = pending.settings
  return {
    ...{ limit: 'sftp', clock: 'reply', phase: 'request', limitMs, origin },
    signal: pending.isGivenUp ? undefined : signal,
    get what() {
      return replyTo(pending)
    },
  }
}

const breaksProtocol: ReadonlySet<string> = new Set(['ERR_SSH_PROTOCOL', 'ERR_SSH_SFTP_PROTOCOL'])

function isCode(error: unknown, code: HoldfastError['code']): boolean {
  return error instanceof HoldfastError && error.code === code
}
