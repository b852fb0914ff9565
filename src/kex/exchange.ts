import { HoldfastError } from '../errors.js'
import type { Opener, Sealer } from '../transport/cipher.js'
import { ciphers } from '../transport/ciphers.js'
import { macs } from '../transport/macs.js'
import { type AlgorithmOffer, decodeKexInit } from '../wire/kex-messages.js'
import { messageName } from '../wire/numbers.js'
import type { HostKeyOffer, HostKeySigner } from './host-key.js'
import { type Direction, deriveKeys, exchangeHash, type KeySource } from './key-schedule.js'
import type {
  Agreed,
  ClientDone,
  ClientExchange,
  KexMethod,
  RandomBytes,
  ServerDone,
  ServerExchange,
} from './method.js'
import { kexMethods } from './methods.js'
import { type DirectionAlgorithms, isStrict, type Negotiated, negotiate } from './negotiation.js'

/** The two ends of a connection. All code of the core serves as either. */
export type Role = 'client' | 'server'

/** What one exchange starts from. */
export interface ExchangeStart {
  readonly role: Role
  readonly randomBytes: RandomBytes
  /** Both identifications, without CR LF; asked for once both are known. */
  identifications(): { readonly client: Buffer; readonly server: Buffer }
  readonly offer: AlgorithmOffer
  /** Our KEXINIT, as it was sent. */
  readonly init: Buffer
  /** H of the first exchange; undefined in the first. */
  readonly sessionId: Buffer | undefined
  /** What the first exchange decided on strict key exchange; undefined in the first. */
  readonly strict: boolean | undefined
  readonly signer: HostKeySigner | undefined
}

/** What an exchange asks its owner to do, in order. */
export interface ExchangeSink {
  send(payload: Buffer): void
  /** Both offers are known. */
  negotiated(negotiated: Negotiated, strict: boolean): void
  /** The client has the peer's host key and proof, and waits for `trusted()`. */
  offered(offer: HostKeyOffer): void
  /** Ours is the next NEWKEYS: nothing of the peer's is waited for before it. */
  agreed(): void
}

/**
 * One key exchange, from both KEXINITs to the keys (RFC 4253 sections 7 and 8). It knows nothing of NEWKEYS and
 * packets: its owner switches keys when it sends and receives NEWKEYS.
 */
export class KeyExchange {
  readonly #start: ExchangeStart
  readonly #sink: ExchangeSink
  #negotiated: Negotiated | undefined
  #method: KexMethod | undefined
  #run: { readonly client: ClientExchange } | { readonly server: ServerExchange } | undefined
  #peerInit: Buffer | undefined
  #skipGuess = false
  #keys: KeySource | undefined

  constructor(start: ExchangeStart, sink: ExchangeSink) {
    this.#start = start
    this.#sink = sink
  }

  get sessionId(): Buffer | undefined {
    return this.#start.sessionId ?? this.#keys?.exchangeHash
  }

  /** The peer's KEXINIT. */
  receiveInit(payload: Buffer): void {
    if (this.#peerInit !== undefined) throw protocolError('KEXINIT', 'came a second time in one key exchange')
    this.#peerInit = payload
    const theirs = decodeKexInit(payload)
    const [client, server] = this.#isClient ? [this.#start.offer, theirs.offer] : [theirs.offer, this.#start.offer]
    const negotiated = negotiate(client, server)
    this.#negotiated = negotiated
    this.#skipGuess = theirs.firstKexPacketFollows && negotiated.guessedWrong
    this.#sink.negotiated(negotiated, this.#start.strict ?? isStrict(client, server))
    this.#begin(negotiated)
  }

  /** A message of the method: numbers 30 to 49. */
  receiveMethod(payload: Buffer): void {
    if (this.#skipGuess) {
      this.#skipGuess = false
      return
    }
    if (this.#run === undefined || this.#keys !== undefined) {
      throw protocolError(messageName(payload.readUInt8(0)), 'came outside its place in the key exchange')
    }
    if ('client' in this.#run) this.#receiveAsClient(this.#run.client, payload)
    else this.#receiveAsServer(this.#run.server, payload)
  }

  /** The keys of the direction that we receive on. Undefined while they are not agreed on. */
  opener(): Opener | undefined {
    const keys = this.#directionKeys(this.#isClient ? 'serverToClient' : 'clientToServer')
    return keys?.cipher.opener(keys.keys, keys.mac)
  }

  sealer(): Sealer | undefined {
    const keys = this.#directionKeys(this.#isClient ? 'clientToServer' : 'serverToClient')
    return keys?.cipher.sealer(keys.keys, keys.mac)
  }

  get #isClient(): boolean {
    return this.#start.role === 'client'
  }

  #begin(negotiated: Negotiated): void {
    this.#method = kexMethods.get(negotiated.kex)
    if (this.#method === undefined) throw new RangeError(`no key exchange method ${negotiated.kex}`)
    if (this.#isClient) {
      const client = this.#method.client(this.#start.randomBytes)
      this.#run = { client }
      this.#sink.send(client.start())
    } else {
      this.#run = { server: this.#method.server(this.#start.randomBytes) }
    }
  }

  #receiveAsClient(client: ClientExchange, payload: Buffer): void {
    const step = client.receive(payload)
    if (step.step === 'send') this.#sink.send(step.payload)
    else this.#offer(step)
  }

  #offer(done: ClientDone): void {
    const hash = this.#agree(done, done.hostKey)
    this.#sink.offered({
      algorithm: this.#known(this.#negotiated).serverHostKey,
      hostKey: done.hostKey,
      exchangeHash: hash,
      signature: done.signature,
    })
  }

  #receiveAsServer(server: ServerExchange, payload: Buffer): void {
    const step = server.receive(payload)
    if (step.step === 'send') this.#sink.send(step.payload)
    else this.#prove(step)
  }

  #prove(done: ServerDone): void {
    const signer = this.#known(this.#start.signer)
    const algorithm = this.#known(this.#negotiated).serverHostKey
    const hostKey = signer.hostKey(algorithm)
    const hash = this.#agree(done, hostKey)
    this.#sink.send(done.reply(hostKey, signer.sign(algorithm, hash)))
    this.#sink.agreed()
  }

  #agree({ hashFields, secret }: Agreed, hostKey: Buffer): Buffer {
    const { role, init, sessionId } = this.#start
    const identifications = this.#start.identifications()
    const peerInit = this.#known(this.#peerInit)
    const { hash } = this.#known(this.#method)
    const h = exchangeHash(hash, {
      clientIdentification: identifications.client,
      serverIdentification: identifications.server,
      clientInit: role === 'client' ? init : peerInit,
      serverInit: role === 'client' ? peerInit : init,
      hostKey,
      methodFields: hashFields,
      secret,
    })
    this.#keys = { hash, secret, exchangeHash: h, sessionId: sessionId ?? h }
    return h
  }

  #directionKeys(direction: Direction) {
    if (this.#keys === undefined || this.#negotiated === undefined) return undefined
    const algorithms: DirectionAlgorithms = this.#negotiated[direction]
    const cipher = this.#known(ciphers.get(algorithms.cipher))
    const mac = algorithms.mac === undefined ? undefined : macs.get(algorithms.mac)
    return { cipher, mac, keys: deriveKeys(this.#keys, direction, algorithms) }
  }

  /** The order of messages has been checked before: what is missing here is a defect of ours. */
  #known<T>(value: T | undefined): T {
    if (value === undefined) throw new RangeError('a step of the key exchange ran before the one it needs')
    return value
  }
}

export function protocolError(message: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', `${message} ${problem}`)
}
