import { HoldfastError, type LimitName } from '../errors.js'
import type { Environment } from '../liveness/environment.js'
import type { Wait, Waits } from '../liveness/waits.js'
import type { Sealer } from '../transport/cipher.js'
import type { Inbound } from '../transport/inbound.js'
import { copyOf } from '../wire/copy.js'
import { type AlgorithmOffer, decodeNewKeys, encodeKexInit, encodeNewKeys } from '../wire/kex-messages.js'
import { messageName, messageNumber } from '../wire/numbers.js'
import { type Algorithms, needsStrictKex } from './algorithms.js'
import { KeyExchange, protocolError, type Role } from './exchange.js'
import type { HostKeyOffer, HostKeySigner, HostKeyVerifier } from './host-key.js'
import { makeOffer, type Negotiated, signal } from './negotiation.js'
import type { SendQueue } from './send-queue.js'

export interface ExchangesOptions {
  readonly role: Role
  readonly environment: Environment
  readonly waits: Waits
  readonly algorithms: Algorithms
  /** Our identification, without CR LF: `SSH-2.0-Holdfast_1.0.0`. */
  readonly identification: string
  readonly limits: Readonly<Record<'keyExchange' | 'rekey' | 'prompt', number>>
  /** Client: who says whether a host key is the peer's. */
  readonly verifier?: HostKeyVerifier
  /** Server: who proves that the host key is ours. */
  readonly signer?: HostKeySigner
}

/** What the layers above hear of an exchange. */
export interface ExchangesSink {
  /** From now on, until `exchangeEnded`, the peer answers nothing that we send but the key exchange. */
  exchangeStarted(): void
  /** The peer's KEXINIT came. */
  exchangeJoined(): void
  exchangeEnded(): void
  /** The connection is to end. Whatever is no HoldfastError went wrong in this process. */
  failed(error: unknown): void
}

/** How the exchanges reach the packets. */
export interface ExchangesPort {
  readonly inbound: Inbound
  readonly queue: SendQueue
  readonly sink: ExchangesSink
  /** Sends a message of the exchange itself, at once. */
  sendOwn(payload: Buffer, taken?: () => void): void
  switchOutbound(sealer: Sealer, strict: boolean): void
  exchangeEnded(negotiated: Negotiated): void
}

/** All key exchanges of one connection, one after the other, and what outlives each: session id, host key, strictness. */
export class Exchanges {
  readonly #options: ExchangesOptions
  readonly #port: ExchangesPort
  #peerIdentification: Buffer | undefined
  #current: KeyExchange | undefined
  #wait: Wait<void> | undefined
  /** The kernel has taken our KEXINIT. */
  #isInitTaken = false
  /** The exchange under way was begun to ask whether the peer lives. */
  #isQuestion = false
  #sentNewKeys = false
  #receivedNewKeys = false
  #completed = 0
  #sessionId: Buffer | undefined
  #hostKey: Buffer | undefined
  #strict: boolean | undefined
  #negotiated: Negotiated | undefined
  /** The first message that came during the first exchange and is not of it. */
  #sawOther: number | undefined
  #stopped = false

  constructor(options: ExchangesOptions, port: ExchangesPort) {
    this.#options = options
    this.#port = port
  }

  get running(): boolean {
    return this.#current !== undefined
  }

  /** The hash of the first exchange; undefined before our first NEWKEYS. */
  get sessionId(): Buffer | undefined {
    return this.#sessionId
  }

  get strict(): boolean {
    return this.#strict ?? false
  }

  get negotiated(): Negotiated | undefined {
    return this.#negotiated
  }

  /** Resolves when the exchange under way ends, for which a caller waits from now on. */
  settled(): Promise<void> {
    this.#wait?.await()
    return this.#wait?.promise ?? Promise.resolve()
  }

  stop(): void {
    this.#stopped = true
  }

  /** Whoever asks by it gives the peer its whole time again: so does the limit, and is at least so many milliseconds. */
  excuse(leastMs: number): void {
    if (this.#isQuestion) this.#wait?.renew(leastMs)
  }

  /**
   * Offers our algorithms.
   * @param leastMs what the limit `rekey` is at least this time
   */
  start(leastMs = 0): void {
    const { environment, role, signer } = this.#options
    this.#sentNewKeys = false
    this.#receivedNewKeys = false
    this.#isQuestion = leastMs > 0
    const ours = offerOf(this.#options)
    const init = encodeKexInit(environment.randomBytes(16), { offer: ours, firstKexPacketFollows: false })
    this.#isInitTaken = false
    if (this.#completed > 0) this.#wait = this.#startWait('rekey', leastMs)
    this.#port.queue.holdAll()
    this.#port.sendOwn(init, () => {
      this.#isInitTaken = true
      this.#wait?.sent()
      if (this.#isQuestion) this.#port.queue.peerIsDue()
    })
    this.#current = new KeyExchange(
      {
        role,
        randomBytes: (size) => copyOf(environment.randomBytes(size)),
        identifications: () => this.#identifications(),
        offer: ours,
        init,
        sessionId: this.#sessionId,
        strict: this.#strict,
        signer,
      },
      {
        send: (message) => this.#port.sendOwn(message),
        negotiated: (negotiated, strict) => this.#setNegotiated(negotiated, strict),
        offered: (offer) => this.#verify(offer),
        agreed: () => this.#sendNewKeys(),
      },
    )
    this.#port.sink.exchangeStarted()
  }

  /** The peer identified itself: from now on the first exchange has its own limit. */
  identified(line: Buffer): void {
    this.#peerIdentification = line
    this.#wait = this.#startWait('keyExchange')
  }

  receiveKexInit(payload: Buffer): void {
    if (this.#receivedNewKeys && this.#current !== undefined) {
      throw protocolError('KEXINIT', 'came before the key exchange under way had ended')
    }
    if (this.#current === undefined) this.start()
    this.#port.sink.exchangeJoined()
    this.#running(messageNumber.KEXINIT).receiveInit(payload)
  }

  receiveMethod(payload: Buffer): void {
    this.#running(payload.readUInt8(0)).receiveMethod(payload)
  }

  receiveNewKeys(payload: Buffer): void {
    decodeNewKeys(payload)
    const opener = this.#running(messageNumber.NEWKEYS).opener()
    if (opener === undefined || this.#receivedNewKeys) {
      throw protocolError('NEWKEYS', 'came before the keys were agreed on')
    }
    this.#receivedNewKeys = true
    this.#port.inbound.switchKeys(opener, { resetSequence: this.strict })
    this.#endIfComplete()
  }

  /**
   * A message that is not of the first exchange came before that had ended. None may, but for IGNORE and DEBUG (RFC 4253
   * section 7.1), and when it is strict not even they (OpenSSH PROTOCOL 1.10, CVE-2023-48795). In a later one the rule is
   * the same, but AsyncSSH (2.10) goes on sending data under the old keys, which are as good as ever: nobody asks then.
   */
  checkOther(number: number): void {
    if (this.#receivedNewKeys) return
    this.#sawOther ??= number
    if (this.#strict) throw strictViolation(number)
    if (number <= messageNumber.DEBUG) return
    throw protocolError(messageName(number), 'came before the first key exchange had ended')
  }

  #running(number: number): KeyExchange {
    if (this.#current === undefined) throw protocolError(messageName(number), 'came outside a key exchange')
    return this.#current
  }

  #identifications(): { readonly client: Buffer; readonly server: Buffer } {
    const ours = Buffer.from(this.#options.identification, 'latin1')
    const theirs = this.#peerIdentification ?? Buffer.alloc(0)
    return this.#options.role === 'client' ? { client: ours, server: theirs } : { client: theirs, server: ours }
  }

  #setNegotiated(negotiated: Negotiated, strict: boolean): void {
    const firstIsStrict = this.#strict === undefined && strict
    if (firstIsStrict && this.#sawOther !== undefined) throw strictViolation(this.#sawOther)
    this.#strict = strict
    this.#negotiated = negotiated
    if (this.#options.role === 'client' && !strict) this.#refuseTruncatable(negotiated)
  }

  #refuseTruncatable({ clientToServer, serverToClient }: Negotiated): void {
    const named = this.#options.algorithms.named ?? []
    for (const { cipher, mac } of [clientToServer, serverToClient]) {
      if (!needsStrictKex(cipher, mac) || named.includes(cipher)) continue
      const problem = `the peer has no strict key exchange, and without it ${cipher} is unsafe (CVE-2023-48795)`
      throw new HoldfastError('ERR_SSH_NEGOTIATION', problem, {
        phase: 'keyExchange',
        hint: 'update the peer, or name this cipher in algorithms.cipher to accept the risk',
      })
    }
  }

  #verify(offer: HostKeyOffer): void {
    const { verifier } = this.#options
    if (verifier === undefined) throw new RangeError('a client needs a verifier of host keys')
    verifier.check(offer)
    if (this.#hostKey === undefined) this.#askForTrust(verifier, offer)
    else {
      checkSameHostKey(this.#hostKey, offer.hostKey)
      this.#sendNewKeys()
    }
  }

  #askForTrust(verifier: HostKeyVerifier, offer: HostKeyOffer): void {
    // The peer did its part: how long the decision takes is not its fault, and has a limit of its own.
    this.#wait?.resolve()
    const decision = this.#options.waits.start<void>({
      limit: 'prompt',
      limitMs: this.#options.limits.prompt,
      clock: 'call',
      phase: 'hostKey',
      what: 'the decision on the host key',
    })
    // Copies: what a connection keeps of a packet must not keep the whole of it.
    const hostKey = copyOf(offer.hostKey)
    verifier.trust({ ...offer, hostKey, signature: copyOf(offer.signature) }).then(
      () => decision.resolve(),
      (error: unknown) => decision.reject(error),
    )
    decision.promise
      .then(
        () => this.#trusted(hostKey),
        (error: unknown) => this.#distrusted(error),
      )
      // Keys that cannot be made.
      .catch((error: unknown) => this.#fail(error))
  }

  #trusted(hostKey: Buffer): void {
    if (this.#stopped) return
    this.#hostKey = hostKey
    this.#wait = this.#startWait('keyExchange')
    this.#sendNewKeys()
  }

  #distrusted(error: unknown): void {
    if (error instanceof HoldfastError) this.#fail(error)
    else {
      this.#fail(
        new HoldfastError('ERR_SSH_HOST_KEY_REJECTED', 'the check of the host key failed', {
          phase: 'hostKey',
          cause: error,
        }),
      )
    }
  }

  #sendNewKeys(): void {
    const exchange = this.#running(messageNumber.NEWKEYS)
    const sealer = exchange.sealer()
    if (sealer === undefined) throw new RangeError('NEWKEYS before the keys')
    this.#sessionId = exchange.sessionId
    this.#sentNewKeys = true
    this.#port.sendOwn(encodeNewKeys())
    this.#port.switchOutbound(sealer, this.strict)
    this.#endIfComplete()
  }

  #endIfComplete(): void {
    if (!this.#sentNewKeys || !this.#receivedNewKeys || this.#negotiated === undefined) return
    this.#current = undefined
    this.#completed++
    this.#wait?.resolve()
    this.#wait = undefined
    this.#port.exchangeEnded(this.#negotiated)
  }

  #startWait(limit: Extract<LimitName, 'keyExchange' | 'rekey'>, leastMs = 0): Wait<void> {
    const wait = this.#options.waits.start<void>({
      limit,
      limitMs: Math.max(this.#options.limits[limit], leastMs),
      clock: limit === 'rekey' ? 'reply' : 'answer',
      phase: limit,
      what: 'the end of the key exchange',
      isAwaited: limit !== 'rekey',
    })
    if (this.#isInitTaken) wait.sent()
    wait.promise.catch((error: unknown) => {
      // Whoever asked for new keys is told of a close at once, but what was written before still needs them to go out.
      const closing = limit === 'rekey' && error instanceof HoldfastError && error.code !== 'ERR_SSH_TIMEOUT'
      if (error instanceof HoldfastError && !closing) this.#fail(error)
    })
    return wait
  }

  #fail(error: unknown): void {
    if (!this.#stopped) this.#port.sink.failed(error)
  }
}

function offerOf({ role, algorithms, signer }: ExchangesOptions): AlgorithmOffer {
  if (role === 'client') return makeOffer(algorithms, [signal.extInfoClient, signal.strictClient])
  const serverHostKey = signer?.algorithms ?? []
  return makeOffer({ ...algorithms, serverHostKey }, [signal.strictServer])
}

function checkSameHostKey(known: Buffer, shown: Buffer): void {
  if (known.equals(shown)) return
  const problem = 'the peer showed another host key in a later key exchange'
  throw new HoldfastError('ERR_SSH_HOST_KEY_CHANGED', problem, {
    phase: 'rekey',
    hint: 'something between the two ends is altering the connection, or the peer is faulty',
  })
}

function strictViolation(number: number): HoldfastError {
  return protocolError(messageName(number), 'came in a strict key exchange, which allows nothing between its messages')
}
