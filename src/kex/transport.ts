import { HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import type { Sealer } from '../transport/cipher.js'
import type { Identification } from '../transport/identification.js'
import { Inbound, type InboundSink } from '../transport/inbound.js'
import { Outbound, type OutboundOwner } from '../transport/outbound.js'
import { maxPayload } from '../transport/packet-size.js'
import { isKexMethodNumber, isServiceNumber, messageNumber } from '../wire/numbers.js'
import { type Disconnect, type Extensions, encodeExtInfo } from '../wire/transport-messages.js'
import { protocolError } from './exchange.js'
import { Exchanges, type ExchangesOptions, type ExchangesPort, type ExchangesSink } from './exchanges.js'
import { GenericMessages, type GenericMessagesSink } from './generic-messages.js'
import type { Negotiated, NegotiatedAlgorithms } from './negotiation.js'
import { RekeyDue, type RekeyOptions } from './rekey.js'
import { SendQueue } from './send-queue.js'

export interface TransportOptions extends ExchangesOptions, RekeyOptions {
  readonly limits: Readonly<Record<'identification' | 'keyExchange' | 'rekey' | 'prompt', number>>
  /** What EXT_INFO tells the peer after the first exchange (RFC 8308). */
  readonly extensions?: Extensions
}

/** What the transport hands to the layers above. */
export interface TransportSink extends ExchangesSink, GenericMessagesSink {
  /** The first keys are in use both ways. */
  keysReady(): void
  /** A message of the layers above. */
  message(payload: Buffer): void
  /** Any authenticated packet, whatever is in it: a sign of life. */
  heard(bytes: number): void
  /** Whether to pass over it without a word. */
  readonly ignores: ((payload: Buffer) => boolean) | undefined
  /** There is something to write, where there was nothing since output was taken last. */
  writable(): void
}

/** Replies that a peer asked for and does not read must not fill our memory. */
const maxUnreadReplies = 16 * 1024 * 1024

/**
 * The transport layer protocol (RFC 4253): it takes packets, keeps the keys fresh without the layers above noticing,
 * answers what is its own to answer, and passes the rest up.
 */
export class Transport implements InboundSink, OutboundOwner, ExchangesPort {
  readonly inbound: Inbound
  readonly outbound: Outbound
  readonly #options: TransportOptions
  readonly sink: TransportSink
  readonly #exchanges: Exchanges
  readonly queue: SendQueue
  readonly generic: GenericMessages
  readonly #rekeyDue: RekeyDue
  #identification: Identification | undefined
  /** Until it comes. */
  #introduction: Wait<void> | undefined
  #ready = false
  #keyExchanges = 0
  /** sshd up to 9.2 ends a connection that exchanges keys anew before the user was authenticated. */
  #mayRekey = false
  #stopped = false

  constructor(options: TransportOptions, sink: TransportSink) {
    this.#options = options
    this.sink = sink
    this.#rekeyDue = new RekeyDue(options, () => {
      if (this.#mayRekey) this.askForKeys()
    })
    this.outbound = new Outbound(options.environment, this)
    this.queue = new SendQueue(this.outbound)
    this.inbound = new Inbound(this)
    this.generic = new GenericMessages(this)
    this.#exchanges = new Exchanges(options, this)
  }

  /** Says who we are and offers our algorithms, without waiting for the peer to begin (RFC 4253 section 4.2). */
  start(): void {
    this.outbound.identify(this.#options.identification)
    this.#exchanges.start()
    this.#waitForIdentification()
  }

  /** How the peer introduced itself; undefined before it did. */
  get identification(): Identification | undefined {
    return this.#identification
  }

  /** With what words the peer said goodbye. */
  get farewell(): Disconnect | undefined {
    return this.generic.farewell
  }

  /** What the peer says it is. */
  get peerSoftware(): string | undefined {
    return this.#identification?.software
  }

  get sessionId(): Buffer | undefined {
    return this.#exchanges.sessionId
  }

  /** How often keys have been exchanged, the first time included. */
  get keyExchanges(): number {
    return this.#keyExchanges
  }

  get negotiated(): NegotiatedAlgorithms | undefined {
    const { negotiated, strict } = this.#exchanges
    if (negotiated === undefined) return undefined
    const { kex, serverHostKey, clientToServer, serverToClient } = negotiated
    const peer = this.#identification?.software ?? ''
    return { kex, serverHostKey, clientToServer, serverToClient, strictKex: strict, peer }
  }

  /** Whether messages of the layers above go out at once, rather than wait for the end of a key exchange. */
  get isOpen(): boolean {
    return this.#ready && !this.queue.isHeld && !this.#stopped
  }

  /** Bytes that were sealed and that the kernel has not taken. */
  get unsentBytes(): number {
    return this.queue.unsentBytes
  }

  /** Bytes that the kernel has taken in all. */
  get takenBytes(): number {
    return this.outbound.position - this.queue.unsentBytes
  }

  /**
   * Sends a message of the layers above, or holds it while a key exchange is under way.
   * @param taken called once the kernel has taken its last byte, or the KEXINIT that asks a silent peer and holds it back;
   *   never after the connection ended
   * @param handedOut called once it is handed to the stream: from then on nobody can say that the peer has not got it
   * @throws HoldfastError ERR_SSH_OPTION for what no packet can take
   */
  send(payload: Buffer, taken?: () => void, handedOut?: () => void): void {
    if (this.#stopped) return
    this.queue.send(payload, taken, handedOut)
    this.#rekeyIfDue()
  }

  /** Sends what the peer asked for. @throws HoldfastError ERR_SSH_PROTOCOL when it asks on and reads nothing */
  reply(payload: Buffer): void {
    if (this.queue.unsentBytes + this.queue.heldBytes > maxUnreadReplies)
      throw protocolError('the peer', 'asks for replies and does not read them')
    if (payload.length > maxPayload) throw protocolError('the peer', 'asks for a reply that no packet can take')
    this.send(payload)
  }

  /** Sends data of a channel; the caller has looked at `isOpen`. @returns whether it could be sealed; else the connection ends */
  sendData(head: Buffer, data: Buffer): boolean {
    if (!this.outbound.send(head, data)) return false
    this.#rekeyIfDue()
    return true
  }

  /** @param chunk is read at once: its memory may be used again after the call */
  receive(chunk: Buffer): void {
    this.inbound.receive(chunk)
    // Once for all that was read: what keys may carry (RFC 4344 section 3) leaves room for much more than that.
    this.#rekeyIfDue()
  }

  /** The bytes to be written now, in order; afterwards there are none. */
  takeOutput(): Uint8Array[] {
    return this.queue.takeOutput()
  }

  /** The kernel has taken this many more bytes. */
  kernelTook(bytes: number): void {
    this.queue.kernelTook(bytes)
  }

  /** The user was authenticated: from now on keys may be exchanged anew. */
  allowRekey(): void {
    this.#mayRekey = true
    this.generic.loggedIn()
    this.#rekeyIfDue()
  }

  /** Exchanges keys anew now, unless that is under way already. Resolves when the new keys are in use. */
  rekey(): Promise<void> {
    this.askForKeys()
    return this.#exchanges.settled()
  }

  /**
   * The same, and nobody waits for it.
   * @param leastMs what the limit `rekey` is at least this time
   */
  askForKeys(leastMs = 0): void {
    if (this.#exchanges.running) return
    try {
      this.#exchanges.start(leastMs)
    } catch (error) {
      this.unsealable(error)
    }
  }

  /** The peer gets the whole time again for what was asked by `askForKeys`: so many milliseconds at least. */
  excuseExchange(leastMs: number): void {
    this.#exchanges.excuse(leastMs)
  }

  stop(): void {
    this.#stopped = true
    this.#exchanges.stop()
    this.#rekeyDue.stop()
    this.inbound.stop()
    this.queue.stop()
  }

  /**
   * What can be sent no more ends the connection, whoever sends: a call of a program, a deadline, a microtask. The end comes a
   * moment later, since they are in the middle of something; until then everything goes nowhere.
   */
  unsealable(error: unknown): void {
    this.stop()
    queueMicrotask(() => this.sink.failed(error))
  }

  writable(): void {
    this.sink.writable()
  }

  sendOwn(payload: Buffer, taken?: () => void): void {
    this.queue.sendNow(payload, taken)
  }

  switchOutbound(sealer: Sealer, strict: boolean): void {
    this.outbound.switchKeys(sealer, { resetSequence: strict })
    this.#tellExtensions()
    this.queue.release()
  }

  /** Once, right after our first NEWKEYS, and only to a peer that asks for it (RFC 8308 section 2.4). */
  #tellExtensions(): void {
    const { extensions } = this.#options
    if (this.#ready || extensions === undefined || !this.#exchanges.negotiated?.clientTakesExtInfo) return
    this.sendOwn(encodeExtInfo(extensions))
  }

  #waitForIdentification(): void {
    const { inbound } = this
    const wait = this.#options.waits.start<void>({
      limit: 'identification',
      limitMs: this.#options.limits.identification,
      clock: 'peer',
      phase: 'identification',
      // Read when it is told: a server of another kind may have said by then what it is.
      get what() {
        return `the identification of the peer (so far it said ${inbound.heardInstead ?? 'nothing'})`
      },
    })
    this.#introduction = wait
    wait.promise.catch((error: unknown) => {
      if (error instanceof HoldfastError && !this.#stopped) this.sink.failed(error)
    })
  }

  identified(identification: Identification): void {
    this.#identification = identification
    this.#exchanges.identified(identification.line)
    this.#introduction?.resolve()
    this.#introduction = undefined
  }

  packet(payload: Buffer, sequence: number): void {
    const number = payload[0] ?? 0
    const { sink } = this
    if (!this.#ready && !belongsToExchange(number)) this.#exchanges.checkOther(number)
    sink.heard(payload.length)
    if (sink.ignores?.(payload)) return
    if (isServiceNumber[number]) sink.message(payload)
    else if (isKexMethodNumber(number)) this.#exchanges.receiveMethod(payload)
    else this.#receiveOwn(number, payload, sequence)
  }

  #receiveOwn(number: number, payload: Buffer, sequence: number): void {
    switch (number) {
      case messageNumber.SERVICE_REQUEST:
      case messageNumber.SERVICE_ACCEPT:
        this.sink.message(payload)
        return
      case messageNumber.KEXINIT:
        this.#exchanges.receiveKexInit(payload)
        return
      case messageNumber.NEWKEYS:
        this.#exchanges.receiveNewKeys(payload)
        return
      default:
        this.generic.receive(number, payload, sequence)
    }
  }

  exchangeEnded(negotiated: Negotiated): void {
    this.#keyExchanges++
    this.#rekeyDue.begin(negotiated)
    this.sink.exchangeEnded()
    if (this.#ready) return
    this.#ready = true
    this.sink.keysReady()
  }

  #rekeyIfDue(): void {
    if (!this.#rekeyDue.isDue(this.inbound, this.outbound)) return
    if (this.#mayRekey && !this.#stopped) this.askForKeys()
  }
}

/** What may come in a key exchange: its own messages, which it looks at itself, and the end. Numbers 22 to 29 are none. */
function belongsToExchange(number: number): boolean {
  if (number === messageNumber.KEXINIT || number === messageNumber.NEWKEYS) return true
  return isKexMethodNumber(number) || number === messageNumber.DISCONNECT
}
