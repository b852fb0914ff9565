/**
 * Messages of the key exchange methods, whose numbers 30 to 49 mean something else in each method: RFC 4253 section 8
 * (DH), RFC 4419 section 3 (group exchange), RFC 5656 section 4 (ECDH, and in its shape Curve25519 and the hybrid).
 */
import { Reader } from './reader.js'
import { Writer } from './writer.js'

/** The last message of every method: the server's host key, its share, and its signature. */
export interface KexReply {
  readonly hostKey: Buffer
  readonly share: Buffer
  readonly signature: Buffer
}

interface ShareFormat {
  readonly type: 'string' | 'mpint'
  readonly init: { readonly message: string; readonly number: number; readonly share: string }
  readonly reply: { readonly message: string; readonly number: number; readonly share: string }
}

/** The pair of messages that carry one share each. They differ in number, and in how a share is encoded. */
export class ShareMessages {
  readonly #format: ShareFormat

  constructor(format: ShareFormat) {
    this.#format = format
  }

  /** The names of the client's and the server's share, for errors. */
  get clientShare(): string {
    return this.#format.init.share
  }

  get serverShare(): string {
    return this.#format.reply.share
  }

  encodeInit(share: Uint8Array): Buffer {
    const { init, type } = this.#format
    return new Writer().byte(init.number)[type](share).finish()
  }

  decodeInit(payload: Buffer): Buffer {
    const { init, type } = this.#format
    const reader = begin(init.message, init.number, payload)
    const share = reader[type](init.share)
    reader.end()
    return share
  }

  encodeReply({ hostKey, share, signature }: KexReply): Buffer {
    const { reply, type } = this.#format
    return new Writer(2048).byte(reply.number).string(hostKey)[type](share).string(signature).finish()
  }

  decodeReply(payload: Buffer): KexReply {
    const { reply, type } = this.#format
    const reader = begin(reply.message, reply.number, payload)
    const hostKey = reader.string('K_S')
    const share = reader[type](reply.share)
    const signature = reader.string('signature')
    reader.end()
    return { hostKey, share, signature }
  }

  /** Both shares as the exchange hash takes them. */
  encodeShares(client: Uint8Array, server: Uint8Array): Buffer {
    const { type } = this.#format
    return new Writer(client.length + server.length + 10)[type](client)[type](server).finish()
  }
}

export const ecdhMessages = new ShareMessages({
  type: 'string',
  init: { message: 'KEX_ECDH_INIT', number: 30, share: 'Q_C' },
  reply: { message: 'KEX_ECDH_REPLY', number: 31, share: 'Q_S' },
})

export const dhMessages = new ShareMessages({
  type: 'mpint',
  init: { message: 'KEXDH_INIT', number: 30, share: 'e' },
  reply: { message: 'KEXDH_REPLY', number: 31, share: 'f' },
})

export const groupExchangeMessages = new ShareMessages({
  type: 'mpint',
  init: { message: 'KEX_DH_GEX_INIT', number: 32, share: 'e' },
  reply: { message: 'KEX_DH_GEX_REPLY', number: 33, share: 'f' },
})

const groupNumber = 31
const groupRequestNumber = 34

/** The sizes of prime that the client accepts, and the one it prefers, in bits. */
export interface GroupRequest {
  readonly min: number
  readonly preferred: number
  readonly max: number
}

export function encodeGroupRequest({ min, preferred, max }: GroupRequest): Buffer {
  return new Writer().byte(groupRequestNumber).uint32(min).uint32(preferred).uint32(max).finish()
}

export function decodeGroupRequest(payload: Buffer): GroupRequest {
  const reader = begin('KEX_DH_GEX_REQUEST', groupRequestNumber, payload)
  const request = { min: reader.uint32('min'), preferred: reader.uint32('n'), max: reader.uint32('max') }
  reader.end()
  return request
}

/** A prime and a generator, each as its magnitude without leading zeros. */
export interface Group {
  readonly prime: Buffer
  readonly generator: Buffer
}

export function encodeGroup({ prime, generator }: Group): Buffer {
  return new Writer(1100).byte(groupNumber).mpint(prime).mpint(generator).finish()
}

export function decodeGroup(payload: Buffer): Group {
  const reader = begin('KEX_DH_GEX_GROUP', groupNumber, payload)
  const group = { prime: reader.mpint('p'), generator: reader.mpint('g') }
  reader.end()
  return group
}

/** The number is checked here, since only the method in use knows which message may come next. */
function begin(message: string, number: number, payload: Buffer): Reader {
  const reader = new Reader(message, payload)
  const found = reader.byte('message number')
  if (found !== number) throw reader.error('message number', `is ${found}, where only ${number} may come`)
  return reader
}
