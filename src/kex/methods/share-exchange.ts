/** The exchange of RFC 5656 section 4: one share from each side. Curve25519 and the ML-KEM hybrid have the same shape. */
import { HoldfastError } from '../../errors.js'
import { decodeEcdhInit, decodeEcdhReply, encodeEcdhInit, encodeEcdhReply } from '../../wire/kex-method-messages.js'
import { Writer } from '../../wire/writer.js'
import type { ClientDone, ClientExchange, KexMethod, RandomBytes, ServerDone, ServerExchange } from '../method.js'

/** How two shares become one secret. `secret` is K as it is hashed: with its length. */
export interface Agreement {
  initiate(randomBytes: RandomBytes): Initiated
  /** @throws HoldfastError ERR_SSH_PROTOCOL when the peer's share is not acceptable */
  respond(share: Buffer, randomBytes: RandomBytes): { readonly share: Buffer; readonly secret: Buffer }
}

export interface Initiated {
  readonly share: Buffer
  /** @throws HoldfastError ERR_SSH_PROTOCOL when the peer's share is not acceptable */
  finish(share: Buffer): Buffer
}

export function shareExchange(name: string, hash: KexMethod['hash'], agreement: Agreement): KexMethod {
  return {
    name,
    hash,
    insecure: false,
    client: (randomBytes) => new Client(name, agreement.initiate(randomBytes)),
    server: (randomBytes) => new Server(name, agreement, randomBytes),
  }
}

class Client implements ClientExchange {
  readonly #name: string
  #initiated: Initiated | undefined

  constructor(name: string, initiated: Initiated) {
    this.#name = name
    this.#initiated = initiated
  }

  start(): Buffer {
    if (this.#initiated === undefined) throw surplus(this.#name)
    return encodeEcdhInit(this.#initiated.share)
  }

  receive(payload: Buffer): ClientDone {
    const initiated = this.#initiated
    if (initiated === undefined) throw surplus(this.#name)
    this.#initiated = undefined
    const { hostKey, share, signature } = decodeEcdhReply(payload)
    const secret = initiated.finish(share)
    return { step: 'done', hostKey, signature, hashFields: hashFieldsOf(initiated.share, share), secret }
  }
}

class Server implements ServerExchange {
  readonly #name: string
  readonly #agreement: Agreement
  readonly #randomBytes: RandomBytes
  #answered = false

  constructor(name: string, agreement: Agreement, randomBytes: RandomBytes) {
    this.#name = name
    this.#agreement = agreement
    this.#randomBytes = randomBytes
  }

  receive(payload: Buffer): ServerDone {
    if (this.#answered) throw surplus(this.#name)
    this.#answered = true
    const clientShare = decodeEcdhInit(payload)
    const { share, secret } = this.#agreement.respond(clientShare, this.#randomBytes)
    return {
      step: 'done',
      hashFields: hashFieldsOf(clientShare, share),
      secret,
      reply: (hostKey, signature) => encodeEcdhReply({ hostKey, share, signature }),
    }
  }
}

function hashFieldsOf(clientShare: Buffer, serverShare: Buffer): Buffer {
  return new Writer(clientShare.length + serverShare.length + 8).string(clientShare).string(serverShare).finish()
}

function surplus(method: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', `${method}: a message came after the exchange was complete`)
}
