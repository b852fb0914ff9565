/** The exchange that every method ends in: one share from the client, one from the server, and the same secret for both. */
import { HoldfastError } from '../../errors.js'
import type { ShareMessages } from '../../wire/kex-method-messages.js'
import { Writer } from '../../wire/writer.js'
import type { ClientDone, ClientExchange, KexMethod, RandomBytes, ServerDone, ServerExchange } from '../method.js'

/**
 * How two shares become one secret, which is K as it is hashed: with its length. `field` names the peer's share for errors.
 * Both throw HoldfastError ERR_SSH_PROTOCOL when that share is not acceptable.
 */
export interface Agreement {
  initiate(randomBytes: RandomBytes): Initiated
  respond(clientShare: Buffer, field: string, randomBytes: RandomBytes): Responded
}

export interface Initiated {
  readonly share: Buffer
  finish(serverShare: Buffer, field: string): Buffer
}

export interface Responded {
  readonly share: Buffer
  readonly secret: Buffer
}

/** An agreement in which both sides do the same: Diffie-Hellman in any group. */
export function symmetric(initiate: (randomBytes: RandomBytes) => Initiated): Agreement {
  return {
    initiate,
    respond(clientShare, field, randomBytes) {
      const own = initiate(randomBytes)
      return { share: own.share, secret: own.finish(clientShare, field) }
    },
  }
}

export interface ShareExchange {
  readonly name: string
  readonly messages: ShareMessages
  readonly agreement: Agreement
}

/** A method that consists of this exchange alone. */
export function shareMethod(
  spec: ShareExchange & { readonly hash: KexMethod['hash']; readonly insecure: boolean },
): KexMethod {
  const { name, hash, insecure } = spec
  return {
    name,
    hash,
    insecure,
    client: (randomBytes) => new ShareClient(spec, randomBytes),
    server: (randomBytes) => new ShareServer(spec, randomBytes),
  }
}

export class ShareClient implements ClientExchange {
  readonly #name: string
  readonly #messages: ShareMessages
  #initiated: Initiated | undefined

  constructor({ name, messages, agreement }: ShareExchange, randomBytes: RandomBytes) {
    this.#name = name
    this.#messages = messages
    this.#initiated = agreement.initiate(randomBytes)
  }

  start(): Buffer {
    if (this.#initiated === undefined) throw surplus(this.#name)
    return this.#messages.encodeInit(this.#initiated.share)
  }

  receive(payload: Buffer): ClientDone {
    const initiated = this.#initiated
    if (initiated === undefined) throw surplus(this.#name)
    this.#initiated = undefined
    const { hostKey, share, signature } = this.#messages.decodeReply(payload)
    const secret = initiated.finish(share, `${this.#name}: ${this.#messages.serverShare}`)
    const hashFields = this.#messages.encodeShares(initiated.share, share)
    return { step: 'done', hostKey, signature, hashFields, secret }
  }
}

export class ShareServer implements ServerExchange {
  readonly #exchange: ShareExchange
  readonly #randomBytes: RandomBytes
  #answered = false

  constructor(exchange: ShareExchange, randomBytes: RandomBytes) {
    this.#exchange = exchange
    this.#randomBytes = randomBytes
  }

  receive(payload: Buffer): ServerDone {
    const { name, messages, agreement } = this.#exchange
    if (this.#answered) throw surplus(name)
    this.#answered = true
    const clientShare = messages.decodeInit(payload)
    const field = `${name}: ${messages.clientShare}`
    const { share, secret } = agreement.respond(clientShare, field, this.#randomBytes)
    return {
      step: 'done',
      hashFields: messages.encodeShares(clientShare, share),
      secret,
      reply: (hostKey, signature) => messages.encodeReply({ hostKey, share, signature }),
    }
  }
}

function surplus(method: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', `${method}: a message came after the exchange was complete`)
}

/** K as most methods hash it (RFC 4253 section 8). */
export function mpintSecret(magnitude: Buffer): Buffer {
  return new Writer(magnitude.length + 5).mpint(magnitude).finish()
}

/** @param field the peer's share, as errors name it */
export function refused(field: string, problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', `${field} ${problem}`)
}
