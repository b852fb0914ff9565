import { type Delivery, HoldfastError, takeFrames } from '../errors.js'
import { Members } from '../liveness/members.js'
import type { Wait, WaitOptions, Waits } from '../liveness/waits.js'
import type { Flow } from './flow.js'
import type { PacketMemory } from './packet-memory.js'
import { decodeReply, type Reply } from './replies.js'
import { encodeRequest, idOffset, type Request } from './requests.js'
import { SentRequests } from './sent-requests.js'
import { describe, type FileCall, SftpError, sftpProtocolError, withDelivery } from './sftp-error.js'

/** The way of packets to the server. */
export interface RequestPort {
  readonly waits: Waits
  readonly flow: Flow
  readonly memory: PacketMemory
  /** Milliseconds on a monotonic clock. */
  now(): number
  /** Whether what was written before still waits here. */
  readonly isFull: boolean
  /** Whether the server lets us send nothing more: it does not read. */
  readonly isStuck: boolean
  /** Whether what was written and has not been sent yet never will be: the connection is gone. */
  readonly isLost: boolean
  /** @param sent called once its last byte was sent; never after the channel ended */
  write(packet: Buffer, sent: () => void): void
}

/** What a program waits for. */
export interface Call<T> {
  readonly what: FileCall
  readonly request: Request
  /** Milliseconds. */
  readonly limitMs: number
  readonly signal: AbortSignal | undefined
  /** Made where the call was: an error made of the reply would show how packets are read. */
  readonly origin: Error
  /** Makes the result of the reply, or throws what the call rejects with; ERR_SSH_SFTP_PROTOCOL ends the session too. */
  readonly result: (reply: Reply) => T
  /** Gets a reply that came after the call had ended: what it brings has no owner. */
  readonly late?: ((reply: Reply) => void) | undefined
}

/** A request that was sent and has not been answered. */
interface Sent {
  readonly id: number
  readonly wait: Pick<Wait<unknown>, 'sent' | 'reject'>
  readonly request: Request
  /** When its last byte had gone. */
  at: number | undefined
  receive(reply: Reply): void
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
  readonly #sent = new SentRequests<Sent>(maxUnanswered)
  /** In the order of the calls. */
  readonly #turns = new Members<Turn>()
  #bytesUnderWay = 0
  #replies = 0
  #cause: HoldfastError | undefined

  constructor(port: RequestPort) {
    this.#port = port
  }

  /**
   * Sends a request, now or as soon as there is room for it, and waits for its reply.
   * @throws HoldfastError ERR_SSH_TIMEOUT (limit `sftp`), ERR_SSH_ABORTED, why the session ended; what `result` throws
   */
  call<T>(call: Call<T>): Promise<T> {
    // Encoded now: a program may use its buffer again once a stream has taken what is in it.
    const packet = encodeRequest(0, call.request, this.#port.memory)
    const goesAtOnce = this.#cause !== undefined || (this.#hasRoom && this.#turns.size === 0)
    return goesAtOnce ? this.#send(call, packet) : this.#inTurn(call, packet)
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
    // What a server that does not read is to be sent would else wait long before its clock runs.
    if (this.#port.isStuck) for (const { wait } of this.#sent.all()) wait.sent()
  }

  /** @param packet without its length. @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_SFTP_PROTOCOL */
  receive(packet: Buffer): void {
    const { id, reply } = decodeReply(packet)
    const sent = this.#sent.take(id)
    if (sent === undefined) throw sftpProtocolError(`the server answers a request ${id}, which nobody sent`)
    this.#measure(sent, reply)
    this.#bytesUnderWay -= costOf(sent.request)
    this.#replies++
    this.freeIfIdle()
    sent.receive(reply)
    this.pump()
  }

  /** The session is over: what waits, and what is asked for from now on, fails with this. */
  end(cause: HoldfastError): void {
    this.#cause ??= cause
    const [sent, turns] = [this.#sent.all(), this.#turns.all()]
    this.#sent.clear()
    for (const { wait } of sent) wait.reject(this.#cause)
    for (const turn of turns) turn.value.fail(this.#cause)
    this.#port.memory.clear()
  }

  get #hasRoom(): boolean {
    const { isFull, flow } = this.#port
    return !isFull && this.#sent.size < maxUnanswered && this.#bytesUnderWay < sharedFactor * flow.mostBytes
  }

  #measure({ at, request }: Sent, reply: Reply): void {
    const now = this.#port.now()
    if (at !== undefined) this.#port.flow.answered(at, now)
    const bytes = movedBy(request, reply)
    if (bytes > 0) this.#port.flow.moved(bytes, this.#bytesUnderWay, now)
  }

  async #inTurn<T>(call: Call<T>, packet: Buffer): Promise<T> {
    const turn: Turn = { go: () => false, fail: () => {} }
    const place = this.#turns.add(turn)
    try {
      return await (await this.#turn(turn, call, packet)).answer
    } finally {
      this.#turns.remove(place)
    }
  }

  /** Waits for as long as the server answers anything at all: what is ahead of this call may be much. */
  async #turn<T>(turn: Turn, call: Call<T>, packet: Buffer): Promise<{ readonly answer: Promise<T> }> {
    for (;;) {
      const replies = this.#replies
      const wait = this.#port.waits.start<{ readonly answer: Promise<T> }>(new ReplyWait(call))
      wait.sent()
      turn.go = () => {
        if (!wait.pending) return false
        wait.resolve({ answer: this.#send(call, packet) })
        return true
      }
      turn.fail = (cause) => wait.reject(cause)
      try {
        return await wait.promise
      } catch (error) {
        if (this.#replies === replies || !isTimeout(error)) this.#tell(error, 'not-sent')
      }
    }
  }

  #send<T>(call: Call<T>, packet: Buffer): Promise<T> {
    const wait = this.#port.waits.start<T>(new ReplyWait(call))
    if (this.#cause !== undefined) wait.reject(this.#cause)
    if (!wait.pending) return wait.promise.catch((error: unknown) => this.#tell(error, 'not-sent'))
    const isWrite = call.request.type === 'WRITE'
    // Whether the server may have got it. A WRITE is one of many.
    let mayHaveGone = isWrite
    const sent = this.#sent.add((id): Sent => {
      return { id, wait, request: call.request, at: undefined, receive: (reply) => settle(wait, call, reply) }
    })
    this.#bytesUnderWay += costOf(call.request)
    packet.writeUInt32BE(sent.id, idOffset)
    this.#port.write(packet, () => {
      // Others may lie in Node's pool, in which more than these bytes are.
      if (isWrite) this.#port.memory.giveBack(packet)
      mayHaveGone = true
      sent.at = this.#port.now()
      wait.sent()
    })
    // Whoever gives a call up takes nothing back: what waits for the link, or for room there, goes out later.
    return wait.promise.catch((error: unknown) =>
      this.#tell(error, this.#port.isLost && !mayHaveGone ? 'not-sent' : 'unknown'),
    )
  }

  /** @throws what the call failed for, with what is known of it; what the server answered says that by itself */
  #tell(error: unknown, delivery: Delivery): never {
    const isAnswer = error instanceof HoldfastError && breaksProtocol.has(error.code) && error !== this.#cause
    throw isAnswer ? error : withDelivery(error, delivery, error === this.#cause)
  }
}

/** The wait for one reply. What it is called only an error says. */
class ReplyWait implements WaitOptions {
  readonly limit = 'sftp'
  /** Any reply is traffic, so it is progress for all that wait on the same channel. */
  readonly clock = 'reply'
  readonly phase = 'request'
  readonly limitMs: number
  readonly signal: AbortSignal | undefined
  readonly origin: Error
  readonly #what: FileCall

  constructor({ what, limitMs, signal, origin }: Call<unknown>) {
    this.#what = what
    this.limitMs = limitMs
    this.signal = signal
    this.origin = origin
  }

  get what(): string {
    return `the SFTP reply to ${describe(this.#what)}`
  }
}

/** @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_SFTP_PROTOCOL when the reply is none to this request */
function settle<T>(wait: Wait<T>, { result, late, origin }: Call<T>, reply: Reply): void {
  if (!wait.pending) {
    late?.(reply)
    return
  }
  try {
    wait.resolve(result(reply))
  } catch (error) {
    if (error instanceof SftpError) takeFrames(error, origin)
    wait.reject(error)
    if (error instanceof HoldfastError && breaksProtocol.has(error.code)) throw error
  }
}

const breaksProtocol: ReadonlySet<string> = new Set(['ERR_SSH_PROTOCOL', 'ERR_SSH_SFTP_PROTOCOL'])

/** Bytes of data that it carries one way or the other, or asks for. */
function costOf(request: Request): number {
  if (request.type === 'READ') return request.length
  return request.type === 'WRITE' ? request.data.length : 0
}

/** Bytes of data that went or came. */
function movedBy(request: Request, reply: Reply): number {
  if (reply.type === 'DATA') return reply.data.length
  return request.type === 'WRITE' ? request.data.length : 0
}

function isTimeout(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'ERR_SSH_TIMEOUT'
}
