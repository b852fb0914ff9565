/** What a key exchange method is to the handshake: three short-lived objects and the bytes between them. */

export type RandomBytes = (size: number) => Buffer

/** One way to agree on a secret, as it is negotiated. Each key exchange makes a new exchange of it. */
export interface KexMethod {
  readonly name: string
  /** The hash of the exchange hash and of the key derivation. */
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512'
  /** Only ever negotiated when named. */
  readonly insecure: boolean
  client(randomBytes: RandomBytes): ClientExchange
  server(randomBytes: RandomBytes): ServerExchange
}

/** Both sides' outcome, encoded as it is hashed (RFC 4253 section 8). */
export interface Agreed {
  /** What stands in the exchange hash between K_S and K. */
  readonly hashFields: Buffer
  /** K with its length: an mpint, or a string for the hybrid. */
  readonly secret: Buffer
}

export interface SendStep {
  readonly step: 'send'
  readonly payload: Buffer
}

export type ClientStep = SendStep | ClientDone
export type ServerStep = SendStep | ServerDone

export interface ClientDone extends Agreed {
  readonly step: 'done'
  /** K_S: neither trusted nor checked yet. */
  readonly hostKey: Buffer
  /** Over the exchange hash; not checked yet. */
  readonly signature: Buffer
}

export interface ServerDone extends Agreed {
  readonly step: 'done'
  /** The last message, once the exchange hash is signed. */
  reply(hostKey: Buffer, signature: Buffer): Buffer
}

export interface ClientExchange {
  /** The payload of our first message. */
  start(): Buffer
  /** @throws HoldfastError ERR_SSH_PROTOCOL for anything out of order or out of range */
  receive(payload: Buffer): ClientStep
}

export interface ServerExchange {
  /** @throws HoldfastError ERR_SSH_PROTOCOL for anything out of order or out of range */
  receive(payload: Buffer): ServerStep
}
