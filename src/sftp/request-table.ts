import { type Delivery, HoldfastError, takeFrames } from '../errors.js'
import { Deferred } from '../liveness/deferred.js'
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
  /** @param sent called once its last byte was sent, or with an error */
  write(packet: Buffer, sent: (error?: Error | null) => void): void
}

/**
 * Who asks for something. What comes of it is told at once, while packets are handled: no promise stands between, since one
 * for each request of a small file took as much time as the requests.
 */
export interface Asker {
  /** What was asked for, as errors are to say it. */
  called(request: Request): FileCall
  /** @throws what `failed` is to be told; ERR_SSH_SFTP_PROTOCOL ends the session too */
  answered(reply: Reply, request: Request): void
  failed(error: unknown): void
  /** Gets a reply that came after the wait for it had ended: what it brings has no owner. */
  readonly late?: ((reply: Reply) => void) | undefined
}

export interface AskSettings {
  /** Milliseconds. */
  readonly limitMs: number
  readonly signal: AbortSignal | undefined
  /** Whether it goes out also once the signal is aborted: what is open there is to be closed. */
  readonly goesAnyway: boolean
  /** Made where the call was: an error made of the reply would show how packets are read. */
  readonly origin: Error
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

/** A request, and the wait for its reply. What it is called only an error says. */
class Asked implements WaitOptions {
  readonly limit = 'sftp'
  /** Any reply is traffic, so it is progress for all that wait on the same channel. */
  readonly clock = 'reply'
  readonly phase = 'request'
  readonly asker: Asker
  readonly request: Request
  readonly limitMs: number
  readonly signal: AbortSignal | undefined
  readonly goesAnyway: boolean
  readonly origin: Error
  readonly failed: (error: unknown) => void
  id = 0
  wait: Wait<void> | undefined
  /** When its last byte had gone. */
  at: number | undefined
  /** Whether it is on its way. */
  isGiven = false
  /** Whether the server may have got it. */
  mayHaveGone = false
  /** Whether whoever asked has been told that it failed, who wants to hear no more of it. */
  isGivenUp = false

  constructor(asker: Asker, request: Request, settings: AskSettings, failed: (asked: Asked, error: unknown) => void) {
    this.asker = asker
    this.request = request
    this.limitMs = settings.limitMs
    this.signal = settings.signal
    this.goesAnyway = settings.goesAnyway
    this.origin = settings.origin
    this.failed = (error) => failed(this, error)
  }

  get what(): string {
    return `the SFTP reply to ${describe(this.asker.called(this.request))}`
  }
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
  readonly #sent = new SentRequests<Asked>(maxUnanswered)
  /** In the order of the calls. */
  readonly #turns = new Members<Turn>()
  #bytesUnderWay = 0
  /** How many that were given to the link have not left yet. */
  #unsent = 0
  #replies = 0
  #cause: HoldfastError | undefined

  constructor(port: RequestPort) {
    this.#port = port
  }

  /**
   * Sends a request, now or as soon as there is room for it, and waits for its reply.
   * @throws HoldfastError ERR_SSH_TIMEOUT (limit `sftp`), ERR_SSH_ABORTED, why the session ended; what `result` throws
   */
  call<T>({ what, request, result, late }: Call<T>, settings: AskSettings): Promise<T> {
    const { promise, resolve, reject } = new Deferred<T>()
    this.ask(
      { called: () => what, answered: (reply) => resolve(result(reply)), failed: reject, late },
      request,
      settings,
    )
    return promise
  }

  /** The same, for who needs no promise. Whatever comes of it comes later. */
  ask(asker: Asker, request: Request, settings: AskSettings): void {
    // Encoded now: a program may use its buffer again once a stream has taken what is in it.
    const packet = encodeRequest(0, request, this.#port.memory)
    const asked = new Asked(asker, request, settings, this.#failed)
    const goesAtOnce = this.#cause !== undefined || (this.#hasRoom && this.#turns.size === 0)
    if (goesAtOnce) this.#send(asked, packet)
    else void this.#inTurn(asked, packet)
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
    if (this.#unsent > 0 && this.#port.isStuck) for (const { wait } of this.#sent.all()) wait?.sent()
  }

  /** @param packet without its length. @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_SFTP_PROTOCOL */
  receive(packet: Buffer): void {
    const { id, reply } = decodeReply(packet)
    const asked = this.#sent.take(id)
    if (asked === undefined) throw sftpProtocolError(`the server answers a request ${id}, which nobody sent`)
    this.#measure(asked, reply)
    this.#bytesUnderWay -= costOf(asked.request)
    this.#replies++
    this.freeIfIdle()
    this.#answer(asked, reply)
    this.pump()
  }

  /** The session is over: what waits, and what is asked for from now on, fails with this. */
  end(cause: HoldfastError): void {
    this.#cause ??= cause
    const [sent, turns] = [this.#sent.all(), this.#turns.all()]
    this.#sent.clear()
    for (const { wait } of sent) wait?.reject(this.#cause)
    for (const turn of turns) turn.value.fail(this.#cause)
    this.#port.memory.clear()
  }

  get #hasRoom(): boolean {
    const { isFull, flow } = this.#port
    return !isFull && this.#sent.size < maxUnanswered && this.#bytesUnderWay < sharedFactor * flow.mostBytes
  }

  #measure({ at, request }: Asked, reply: Reply): void {
    const now = this.#port.now()
    if (at !== undefined) this.#port.flow.answered(at, now)
    const bytes = movedBy(request, reply)
    if (bytes > 0) this.#port.flow.moved(bytes, this.#bytesUnderWay, now)
  }

  async #inTurn(asked: Asked, packet: Buffer): Promise<void> {
    const turn: Turn = { go: () => false, fail: () => {} }
    const place = this.#turns.add(turn)
    try {
      await this.#turn(turn, asked, packet)
    } catch (error) {
      this.#giveUp(asked, error, 'not-sent')
    } finally {
      this.#turns.remove(place)
    }
  }

  /** Waits for as long as the server answers anything at all: what is ahead of this call may be much. */
  async #turn(turn: Turn, asked: Asked, packet: Buffer): Promise<void> {
    for (;;) {
      const replies = this.#replies
      const wait = this.#port.waits.start<void>(turnOf(asked, asked.isGivenUp ? undefined : asked.signal))
      wait.sent()
      turn.go = () => {
        if (!wait.pending) return false
        wait.resolve()
        this.#send(asked, packet)
        return true
      }
      turn.fail = (cause) => wait.reject(cause)
      // There may have been room between two waits.
      this.pump()
      try {
        return await wait.promise
      } catch (error) {
        if (keepsPlace(asked)) this.#giveUp(asked, error, 'unknown')
        else if (this.#replies === replies || !isCode(error, 'ERR_SSH_TIMEOUT')) throw error
      }
    }
  }

  #send(asked: Asked, packet: Buffer): void {
    const { request } = asked
    const wait = this.#port.waits.start<void>(asked)
    asked.wait = wait
    if (this.#cause !== undefined) wait.reject(this.#cause)
    if (!wait.pending && (this.#cause !== undefined || !asked.goesAnyway)) return
    const isWrite = request.type === 'WRITE'
    asked.isGiven = true
    // One of many.
    asked.mayHaveGone = isWrite
    this.#sent.add(asked)
    this.#bytesUnderWay += costOf(request)
    this.#unsent++
    packet.writeUInt32BE(asked.id, idOffset)
    this.#port.write(packet, (error) => {
      if (error) return
      // Others may lie in Node's pool, in which more than these bytes are.
      if (isWrite) this.#port.memory.giveBack(packet)
      this.#unsent--
      asked.mayHaveGone = true
      asked.at = this.#port.now()
      wait.sent()
      this.pump()
    })
  }

  /** @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_SFTP_PROTOCOL when the reply is none to this request */
  #answer({ asker, request, wait, origin }: Asked, reply: Reply): void {
    if (wait?.pending !== true) {
      asker.late?.(reply)
      return
    }
    wait.resolve()
    try {
      asker.answered(reply, request)
    } catch (error) {
      if (error instanceof SftpError) takeFrames(error, origin)
      asker.failed(this.#told(error, 'unknown'))
      if (error instanceof HoldfastError && breaksProtocol.has(error.code)) throw error
    }
  }

  /** Whoever gives a call up takes nothing back: what waits for the link, or for room there, goes out later. */
  readonly #failed = (asked: Asked, error: unknown): void => {
    const { isGiven, mayHaveGone } = asked
    const isUnsent = !isGiven || (this.#port.isLost && !mayHaveGone)
    this.#giveUp(asked, error, isUnsent ? 'not-sent' : 'unknown')
  }

  #giveUp(asked: Asked, error: unknown, delivery: Delivery): void {
    if (asked.isGivenUp) return
    asked.isGivenUp = true
    asked.asker.failed(this.#told(error, delivery))
  }

  /** What a call failed for, with what is known of it; what the server answered says that by itself. */
  #told(error: unknown, delivery: Delivery): unknown {
    const isAnswer = error instanceof HoldfastError && breaksProtocol.has(error.code) && error !== this.#cause
    return isAnswer ? error : withDelivery(error, delivery, error === this.#cause)
  }
}

/** The wait of a request for its turn. */
function turnOf(asked: Asked, signal: AbortSignal | undefined): WaitOptions {
  const { limit, clock, phase, limitMs, origin } = asked
  return {
    ...{ limit, clock, phase, limitMs, signal, origin },
    get what() {
      return asked.what
    },
  }
}

const breaksProtocol: ReadonlySet<string> = new Set(['ERR_SSH_PROTOCOL', 'ERR_SSH_SFTP_PROTOCOL'])

/** Whether only its caller has given up: what is open there is closed all the same, behind all that was asked for it. */
function keepsPlace({ goesAnyway, isGivenUp, signal }: Asked): boolean {
  return goesAnyway && !isGivenUp && signal?.aborted === true
}

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

function isCode(error: unknown, code: HoldfastError['code']): boolean {
  return error instanceof HoldfastError && error.code === code
}
