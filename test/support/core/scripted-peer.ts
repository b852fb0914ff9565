import { HoldfastError } from 'holdfast'
import { KeyExchange, type Role } from '#src/kex/exchange.js'
import { makeOffer, signal } from '#src/kex/negotiation.js'
import { Inbound } from '#src/transport/inbound.js'
import { Outbound } from '#src/transport/outbound.js'
import { encodeUserauthSuccess } from '#src/wire/auth-messages.js'
import {
  decodeChannelOpen,
  decodeGlobalRequest,
  encodeChannelOpenConfirmation,
  encodeRequestFailure,
} from '#src/wire/connection-messages.js'
import { type AlgorithmOffer, encodeKexInit, encodeNewKeys } from '#src/wire/kex-messages.js'
import { isKexMethodNumber, messageNumber } from '#src/wire/numbers.js'
import { type Extensions, encodeExtInfo, encodePong, encodeServiceAccept } from '#src/wire/transport-messages.js'
import { clientOptions, signer } from './options.js'
import type { Random } from './random.js'
import type { Output, Reader } from './stream.js'

export interface ScriptOptions {
  readonly role?: Role
  /** Whether it knows strict key exchange. Default: yes. */
  readonly strict?: boolean
  readonly offer?: Partial<AlgorithmOffer>
  readonly extensions?: Extensions
  /** Default: `SSH-2.0-Scripted`; undefined: it says nothing by itself. */
  readonly identification?: string | undefined
}

/**
 * A peer that does what a test tells it, right or wrong. Left alone it exchanges keys, lets everybody in, opens every
 * channel and grants every request; `before` and `handle` take a message out of its hands.
 */
export class ScriptedPeer implements Reader {
  readonly role: Role
  /** Every payload that came, in order. */
  readonly heard: Buffer[] = []
  /** Sees each message first. True: nothing more is done about it. */
  before: (payload: Buffer) => boolean = () => false
  /** What becomes of a payload before it is sealed: itself, something else, or nothing. */
  alter: (payload: Buffer) => readonly Buffer[] = (payload) => [payload]
  /** Called whenever its own part of a key exchange is over: from then on it may send anything. */
  released: () => void = () => {}
  /** From now on it reads nothing. */
  deaf = false
  /** Whether the stream was closed by the other side, and with which error. */
  closed: { readonly error: Error | undefined } | undefined
  /** What was wrong with what came, as far as it can tell. */
  complaint: string | undefined
  exchangesDone = 0
  readonly #options: ScriptOptions
  readonly #random: Pick<Random, 'bytes'>
  readonly #output: Output
  readonly #inbound: Inbound
  readonly #outbound: Outbound
  readonly #offer: AlgorithmOffer
  #theirIdentification: Buffer = Buffer.alloc(0)
  #exchange: KeyExchange | undefined
  #sessionId: Buffer | undefined
  #strict: boolean | undefined
  #sentNewKeys = false
  #receivedNewKeys = false
  #theyExchange = false

  constructor(random: Pick<Random, 'bytes'>, output: Output, options: ScriptOptions = {}) {
    this.role = options.role ?? 'server'
    this.#options = { identification: 'SSH-2.0-Scripted', ...options }
    this.#random = random
    this.#output = output
    this.#outbound = new Outbound({ randomBytes: random.bytes })
    this.#inbound = new Inbound({
      identified: ({ line }) => {
        this.#theirIdentification = line
      },
      packet: (payload) => this.#receive(payload),
    })
    this.#offer = { ...this.#defaultOffer(), ...options.offer }
  }

  /** Identifies itself and begins the first key exchange, as far as its script says. */
  start(): void {
    const { identification } = this.#options
    if (identification === undefined) return
    this.sendRaw(Buffer.from(`${identification}\r\n`, 'latin1'))
    this.beginExchange()
  }

  sendRaw(bytes: Buffer): void {
    this.#output.write(bytes)
  }

  /** Any payload, under the keys that hold now. */
  send(...payloads: Buffer[]): void {
    for (const payload of payloads.flatMap((original) => this.alter(original))) this.#outbound.send(payload)
    this.#output.write(Buffer.concat(this.#outbound.take()))
  }

  /** Seals a payload, and lets nobody have it. */
  lose(payload: Buffer): void {
    this.#outbound.send(payload)
    this.#outbound.take()
  }

  /** The KEXINIT that it would send next. */
  kexInit(offer = this.#offer, firstKexPacketFollows = false): Buffer {
    return encodeKexInit(this.#random.bytes(16), { offer, firstKexPacketFollows })
  }

  beginExchange(init = this.kexInit()): void {
    this.#sentNewKeys = false
    this.#receivedNewKeys = false
    const identifications = () => {
      const [ours, theirs] = [Buffer.from(this.#options.identification ?? ''), this.#theirIdentification]
      return this.role === 'server' ? { client: theirs, server: ours } : { client: ours, server: theirs }
    }
    this.#exchange = new KeyExchange(
      {
        role: this.role,
        randomBytes: this.#random.bytes,
        identifications,
        offer: this.#offer,
        init,
        sessionId: this.#sessionId,
        strict: this.#strict,
        signer,
      },
      {
        send: (payload) => this.send(payload),
        negotiated: (_negotiated, strict) => {
          this.#strict = strict
        },
        offered: () => this.#sendNewKeys(),
        agreed: () => this.#sendNewKeys(),
      },
    )
    this.send(init)
  }

  close(error?: Error): void {
    this.#output.end(error)
  }

  receive(chunk: Buffer): void {
    if (this.deaf) return
    try {
      this.#inbound.receive(chunk)
    } catch (error) {
      this.complaint ??= String(error)
      this.deaf = true
    }
  }

  streamEnded(error?: Error): void {
    this.closed ??= { error }
    if (!this.deaf) this.close()
  }

  /** Of the first key exchange; undefined before its end. */
  get sessionId(): Buffer | undefined {
    return this.#sessionId
  }

  /** Whether it may send what is not of a key exchange. */
  get isFree(): boolean {
    return this.#sessionId !== undefined && (this.#exchange === undefined || this.#sentNewKeys)
  }

  /** The messages of one number that came so far. */
  heardOf(number: number): Buffer[] {
    return this.heard.filter((payload) => payload[0] === number)
  }

  /** What it does with a message of the layers above the key exchange. */
  handle(payload: Buffer): void {
    switch (payload.readUInt8(0)) {
      case messageNumber.SERVICE_REQUEST:
        this.send(encodeServiceAccept('ssh-userauth'))
        return
      case messageNumber.USERAUTH_REQUEST:
        this.send(encodeUserauthSuccess())
        return
      case messageNumber.GLOBAL_REQUEST:
        if (decodeGlobalRequest(payload).wantReply) this.send(encodeRequestFailure())
        return
      case messageNumber.PING:
        this.send(encodePong(payload.subarray(5)))
        return
      case messageNumber.CHANNEL_OPEN:
        this.confirm(decodeChannelOpen(payload).sender)
    }
  }

  /** Takes a payload that came before, and that the script had not let through then. */
  handleAgain(payload: Buffer): void {
    if (payload[0] === messageNumber.KEXINIT) this.#receiveKexInit(payload)
    else this.handle(payload)
  }

  /** Opens the channel that the other side asked for. */
  confirm(recipient: number, { window = 2 ** 20, sender = recipient } = {}): void {
    const answer = { recipient, sender, window, maxPacket: 32_768, data: Buffer.alloc(0) }
    this.send(encodeChannelOpenConfirmation(answer))
  }

  #receive(payload: Buffer): void {
    this.heard.push(payload)
    const number = payload.readUInt8(0)
    this.#checkManners(number)
    if (this.before(payload)) return
    if (number === messageNumber.KEXINIT) this.#receiveKexInit(payload)
    else if (number === messageNumber.NEWKEYS) this.#receiveNewKeys()
    else if (isKexMethodNumber(number)) this.#exchange?.receiveMethod(payload)
    else this.handle(payload)
  }

  /** RFC 4253 section 7.1: between KEXINIT and NEWKEYS nothing else is sent. */
  #checkManners(number: number): void {
    if (number === messageNumber.KEXINIT) this.#theyExchange = true
    else if (number === messageNumber.NEWKEYS) this.#theyExchange = false
    else if (this.#theyExchange && !isKexMethodNumber(number) && number > messageNumber.DEBUG)
      this.complaint ??= `message ${number} came in the middle of a key exchange`
  }

  #receiveKexInit(payload: Buffer): void {
    if (this.#exchange === undefined) this.beginExchange()
    this.#exchange?.receiveInit(payload)
  }

  #sendNewKeys(): void {
    const sealer = this.#exchange?.sealer()
    if (sealer === undefined) throw new HoldfastError('ERR_SSH_PROTOCOL', 'the script has no keys')
    this.#sessionId = this.#exchange?.sessionId
    this.send(encodeNewKeys())
    this.#outbound.switchKeys(sealer, { resetSequence: this.#strict ?? false })
    const { extensions } = this.#options
    if (extensions !== undefined && this.exchangesDone === 0) this.send(encodeExtInfo(extensions))
    this.#sentNewKeys = true
    this.#endIfComplete()
    this.released()
  }

  #receiveNewKeys(): void {
    const opener = this.#exchange?.opener()
    if (opener === undefined) throw new HoldfastError('ERR_SSH_PROTOCOL', 'NEWKEYS came before the keys')
    this.#inbound.switchKeys(opener, { resetSequence: this.#strict ?? false })
    this.#receivedNewKeys = true
    this.#endIfComplete()
  }

  #endIfComplete(): void {
    if (!this.#sentNewKeys || !this.#receivedNewKeys) return
    this.#exchange = undefined
    this.exchangesDone++
  }

  #defaultOffer(): AlgorithmOffer {
    const strict = this.role === 'server' ? signal.strictServer : signal.strictClient
    const signs = this.#options.strict === false ? [] : [strict]
    const { algorithms } = clientOptions()
    return makeOffer(this.role === 'server' ? { ...algorithms, serverHostKey: signer.algorithms } : algorithms, signs)
  }
}
