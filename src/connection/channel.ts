import { HoldfastError } from '../errors.js'
import type { Transport } from '../kex/transport.js'
import type { Cancel } from '../liveness/cancel.js'
import type { Wait, Waits } from '../liveness/waits.js'
import { oversizeError } from '../transport/packet-size.js'
import {
  encodeBareChannelMessage,
  encodeChannelRequest,
  encodeWindowAdjust,
  extendedDataStderr,
} from '../wire/connection-messages.js'
import { type Chunk, Outgoing, type OutgoingPort } from './outgoing.js'
import { AskedReply, endedError, type OwedReply } from './owed-reply.js'
import type { Sending } from './sending.js'
import { ReceiveWindow, type WindowGrowth } from './window.js'

/** What the owner of a channel hears of it, synchronously, while packets are read. */
export interface ChannelSink {
  data(bytes: Buffer): void
  extendedData(type: number, bytes: Buffer): void
  eof(): void
  /** A request of the peer. @returns whether it was understood */
  request(type: string, data: Buffer, wantReply: boolean): boolean
  /** The peer opened its window: it reads what we send. */
  adjusted(): void
  /** What `write()` was given has begun to wait for the peer to open its window. */
  stalled?(): void
  /** Bytes that the program has written and that `write()` has not been given yet. */
  pendingBytes(): number
  /** The channel is over: the peer's CLOSE came, or was given up. Nothing more comes. */
  closed(): void
  /** The connection is over. Nothing more comes. */
  lost(cause: HoldfastError): void
}

/** What a channel needs of the connection that it is part of. */
export interface ChannelPort {
  readonly waits: Waits
  readonly limits: Readonly<Record<'reply' | 'channelClose', number>>
  readonly growth: WindowGrowth
  readonly transport: Pick<Transport, 'send' | 'reply'>
  readonly sending: Pick<Sending, 'wants' | 'pump' | 'covered' | 'forget'>
  now(): number
  /** The peer answered what was sent at that instant, so it has heard everything before. */
  answered(sentAt: number): void
  /** Both CLOSEs have passed: nothing for this channel can come any more. */
  forget(channel: Channel): void
  /** For whoever watches from outside. */
  report(event: ChannelEvent, channel: Channel): void
}

/** What becomes of a channel; it is `stalled` while the peer has not opened its window for data that waits. */
export type ChannelEvent = 'opened' | 'stalled' | 'flowing' | 'closed'

/** The peer's side of a channel, as it was opened. */
export interface RemoteEnd {
  readonly type: string
  readonly id: number
  readonly window: number
  readonly maxPacket: number
}

export interface RequestOptions {
  readonly signal?: AbortSignal | Cancel | undefined
  /** See `WaitOptions`. */
  readonly origin?: Error | undefined
  readonly limitMs?: number | false
  /** Called once it is handed to the stream: from then on nobody can say that the peer has not got it. */
  readonly handedOut?: () => void
}

/** What OpenSSH calls its own probes, as a global request and on a channel alike. */
export const keepaliveRequest = 'keepalive@openssh.com'

/** One open channel (RFC 4254 section 5): two windows, and everything in order. */
export class Channel implements OutgoingPort {
  readonly localId: number
  readonly type: string
  readonly #port: ChannelPort
  readonly #remote: RemoteEnd
  readonly #receiveWindow: ReceiveWindow
  #sink: ChannelSink | undefined
  readonly #outgoing: Outgoing
  #eof: 'open' | 'queued' | 'sent' = 'open'
  #closeSent = false
  #closeReceived = false
  #eofReceived = false
  #over = false
  #closing: Wait<void> | undefined
  readonly #owed: OwedReply[] = []

  constructor(port: ChannelPort, localId: number, remote: RemoteEnd, receiveWindow: number) {
    this.#port = port
    this.localId = localId
    this.type = remote.type
    this.#remote = remote
    this.#outgoing = new Outgoing(this, remote)
    this.#receiveWindow = new ReceiveWindow(receiveWindow, port.now(), port.growth)
  }

  /** Who hears of it from now on; given before the first message for the channel is handled. */
  attach(sink: ChannelSink): void {
    this.#sink = sink
  }

  /** The number that the channel has at the peer. */
  get remoteId(): number {
    return this.#remote.id
  }

  /** What the peer takes in one packet. */
  get remoteMaxPacket(): number {
    return this.#remote.maxPacket
  }

  /** What the peer lets us send at present. */
  get sendWindow(): number {
    return this.#outgoing.window
  }

  /** What we let the peer send at present. */
  get receiveWindow(): number {
    return this.#receiveWindow.left
  }

  /** What the window that we grant has grown by since the channel was opened. */
  get grownBytes(): number {
    return this.#receiveWindow.grownBytes
  }

  /** Bytes that `write()` accepted and that were not sent: the window or the connection holds them up. */
  get queuedBytes(): number {
    return this.#outgoing.bytes
  }

  /** Bytes that the program has written and that were not sent. */
  get unsentBytes(): number {
    return this.#outgoing.bytes + (this.#sink?.pendingBytes() ?? 0)
  }

  /** False once either side closed it. */
  get isOpen(): boolean {
    return !this.#closeSent && !this.#closeReceived && !this.#over
  }

  /** Whether our CLOSE went out and the peer's has not come. */
  get isAbandoned(): boolean {
    return this.#over && !this.#closeReceived
  }

  /**
   * Queues data. Never refuses: who writes more before `sent` was called fills memory.
   * @param sent called once the last byte of it was sent; never after the channel or connection ended
   */
  write(data: Buffer, sent?: () => void): void {
    this.#enqueue({ data, extendedType: undefined, sent })
  }

  /** The same for standard error; only a server sends it. */
  writeStderr(data: Buffer, sent?: () => void): void {
    this.#enqueue({ data, extendedType: extendedDataStderr, sent })
  }

  /** No more data will come from us; goes out after all that was written. */
  eof(): void {
    if (!this.isOpen || this.#eof !== 'open') return
    this.#eof = 'queued'
    this.#sendEofIfDrained()
  }

  /**
   * Asks for something and waits for the answer.
   * @throws HoldfastError ERR_SSH_REQUEST_REFUSED, ERR_SSH_CHANNEL_CLOSED, ERR_SSH_TIMEOUT (limit `reply`),
   * ERR_SSH_ABORTED, ERR_SSH_OPTION for what no packet can take
   */
  request(type: string, data: Buffer, options: RequestOptions = {}): Promise<void> {
    const payload = encodeChannelRequest({ recipient: this.#remote.id, type, wantReply: true, data })
    const problem = oversizeError(payload)
    const wait = this.#port.waits.start<void>({
      limit: 'reply',
      limitMs: options.limitMs ?? this.#port.limits.reply,
      clock: 'reply',
      phase: 'request',
      what: `the reply to the ${type} request`,
      signal: options.signal,
      origin: options.origin,
    })
    if (problem !== undefined) wait.reject(problem)
    else if (!this.isOpen) wait.reject(endedError(type))
    if (!wait.pending) return wait.promise
    // The slot stays in line whatever becomes of the wait: replies come in the order of requests.
    this.#owed.push(new AskedReply(type, wait, this.#port.now()))
    this.#port.transport.send(payload, () => wait.sent(), options.handedOut)
    return wait.promise
  }

  /** Says something to which no answer exists: `signal`, `window-change`, `exit-status`. */
  notify(type: string, data: Buffer): void {
    if (!this.isOpen) return
    this.#port.transport.send(encodeChannelRequest({ recipient: this.#remote.id, type, wantReply: false, data }))
  }

  /** Asks for something that nobody knows, which the peer must refuse. Only for a channel that is open. */
  probe(answered: () => void, dropped: () => void, taken: (() => void) | undefined): void {
    this.#owed.push({ sentAt: this.#port.now(), succeeded: answered, refused: answered, dropped })
    const request = { recipient: this.#remote.id, type: keepaliveRequest, wantReply: true, data: Buffer.alloc(0) }
    this.#port.transport.send(encodeChannelRequest(request), taken)
  }

  /** Whether every request was answered that wants it. */
  get owesNothing(): boolean {
    return this.isOpen && this.#owed.length === 0
  }

  /** The consumer took bytes that `data` or `extendedData` brought: the peer may send as many again. */
  consumed(bytes: number): void {
    const grant = this.#receiveWindow.consumed(bytes, this.#port.now())
    if (grant > 0 && this.isOpen && !this.#eofReceived)
      this.#port.transport.send(encodeWindowAdjust(this.#remote.id, grant))
  }

  /**
   * Sends CLOSE, throwing away what was not sent. Resolves when the peer's CLOSE came or was given up after the limit
   * `channelClose`; never rejects, and may be called again.
   */
  close(): Promise<void> {
    this.beginClose()
    return this.#closing?.promise.catch(() => {}) ?? Promise.resolve()
  }

  /** The same for whoever does not wait for it. */
  beginClose(): void {
    if (!this.#over && this.#closing === undefined) this.#sendClose()
  }

  covered(bytes: number): void {
    this.#port.sending.covered(bytes)
  }

  drained(): void {
    this.#sendEofIfDrained()
  }

  stalled(isStalled: boolean): void {
    this.#port.report(isStalled ? 'stalled' : 'flowing', this)
    if (isStalled) this.#sink?.stalled?.()
  }

  receiveData(data: Buffer): void {
    if (!this.#accept(data.length, 'CHANNEL_DATA')) return
    this.#sink?.data(data)
  }

  receiveExtendedData(type: number, data: Buffer): void {
    if (!this.#accept(data.length, 'CHANNEL_EXTENDED_DATA')) return
    this.#sink?.extendedData(type, data)
  }

  receiveAdjust(bytes: number): void {
    if (!this.#outgoing.adjust(bytes)) throw this.#error('CHANNEL_WINDOW_ADJUST', 'takes the window beyond 2^32 - 1')
    // Adjusted by nothing, a window is not opened: that is no sign of anybody who reads.
    if (this.#over || bytes === 0) return
    this.#sink?.adjusted()
    if (this.#outgoing.canSend) this.#port.sending.wants(this.#outgoing)
  }

  /** @returns false when it came before: an end said twice is harmless, and OpenSSH passes over it too */
  receiveEof(): boolean {
    if (this.#eofReceived) return false
    this.#eofReceived = true
    if (!this.#over) this.#sink?.eof()
    return true
  }

  receiveClose(): void {
    this.#closeReceived = true
    // First of all: what our CLOSE and its listeners let go must not take our data along, behind that CLOSE.
    this.#outgoing.drop()
    if (!this.#closeSent) {
      this.#closeSent = true
      this.#port.transport.send(encodeBareChannelMessage('CHANNEL_CLOSE', this.#remote.id))
    }
    this.#outgoing.coverAll()
    this.#receiveWindow.close()
    this.#port.sending.forget(this.#outgoing)
    this.#port.forget(this)
    this.#finish()
  }

  receiveRequest(type: string, data: Buffer, wantReply: boolean): void {
    const understood = !this.#over && type !== keepaliveRequest && (this.#sink?.request(type, data, wantReply) ?? false)
    if (!wantReply || this.#closeSent) return
    this.#port.transport.reply(
      encodeBareChannelMessage(understood ? 'CHANNEL_SUCCESS' : 'CHANNEL_FAILURE', this.#remote.id),
    )
  }

  /** @returns false when nobody asked */
  receiveReply(outcome: 'CHANNEL_SUCCESS' | 'CHANNEL_FAILURE'): boolean {
    const owed = this.#owed.shift()
    if (owed !== undefined) this.#port.answered(owed.sentAt)
    if (outcome === 'CHANNEL_SUCCESS') owed?.succeeded()
    else owed?.refused()
    return owed !== undefined
  }

  /** The connection is over. */
  lose(cause: HoldfastError): void {
    if (this.#over) return
    this.#over = true
    this.#outgoing.drop()
    this.#sink?.lost(cause)
  }

  #enqueue(chunk: Chunk): void {
    if (!this.isOpen || this.#eof !== 'open') return
    this.#outgoing.push(chunk)
    if (!this.#outgoing.canSend) return
    this.#port.sending.wants(this.#outgoing)
    this.#port.sending.pump()
  }

  #sendEofIfDrained(): void {
    if (this.#eof !== 'queued' || !this.#outgoing.isEmpty || this.#closeSent) return
    this.#eof = 'sent'
    this.#port.transport.send(encodeBareChannelMessage('CHANNEL_EOF', this.#remote.id))
  }

  #accept(bytes: number, message: string): boolean {
    if (this.#eofReceived) throw this.#error(message, 'came after EOF')
    if (!this.#receiveWindow.received(bytes))
      throw this.#error(message, `is ${bytes} bytes, more than the window allows`)
    // Empty data uses no window, so that nothing would bound how much of it waits here; and it is no progress.
    if (bytes === 0) return false
    // After our CLOSE the rest of the peer's window may still arrive; nobody reads it, so none is granted anew.
    return !this.#over && !this.#closeSent
  }

  #sendClose(): void {
    this.#closeSent = true
    this.#outgoing.drop()
    const closing = this.#port.waits.start<void>({
      limit: 'channelClose',
      limitMs: this.#port.limits.channelClose,
      clock: 'reply',
      phase: 'close',
      what: 'the CLOSE of the channel',
      // Whoever lets go of a channel is done with it; one that waits for what it brought has a wait of its own.
      isAwaited: false,
      failed: () => this.#finish(),
    })
    this.#closing = closing
    this.#port.transport.send(encodeBareChannelMessage('CHANNEL_CLOSE', this.#remote.id), () => closing.sent())
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    for (const owed of this.#owed.splice(0)) owed.dropped()
    this.#closing?.resolve()
    this.#sink?.closed()
  }

  #error(message: string, problem: string): HoldfastError {
    return new HoldfastError('ERR_SSH_PROTOCOL', `${message} for channel ${this.localId} ${problem}`)
  }
}
