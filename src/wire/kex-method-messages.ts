/**
 * Messages of the key exchange methods, whose numbers 30 to 49 mean something else in each method: RFC 5656 section 4
 * (ECDH, and in its shape Curve25519 and the ML-KEM hybrid), RFC 4253 section 8 (DH), RFC 4419 section 3 (group exchange).
 */
import { Reader } from './reader.js'
import { Writer } from './writer.js'

export const kexMethodNumber = {
  ECDH_INIT: 30,
  ECDH_REPLY: 31,
} as const

export function encodeEcdhInit(share: Uint8Array): Buffer {
  return new Writer().byte(kexMethodNumber.ECDH_INIT).string(share).finish()
}

export function decodeEcdhInit(payload: Buffer): Buffer {
  const reader = begin('KEX_ECDH_INIT', kexMethodNumber.ECDH_INIT, payload)
  const share = reader.string('Q_C')
  reader.end()
  return share
}

export interface EcdhReply {
  readonly hostKey: Buffer
  readonly share: Buffer
  readonly signature: Buffer
}

export function encodeEcdhReply({ hostKey, share, signature }: EcdhReply): Buffer {
  return new Writer(2048).byte(kexMethodNumber.ECDH_REPLY).string(hostKey).string(share).string(signature).finish()
}

export function decodeEcdhReply(payload: Buffer): EcdhReply {
  const reader = begin('KEX_ECDH_REPLY', kexMethodNumber.ECDH_REPLY, payload)
  const reply = { hostKey: reader.string('K_S'), share: reader.string('Q_S'), signature: reader.string('signature') }
  reader.end()
  return reply
}

/** The number is checked here, since only the method in use knows which message may come next. */
function begin(message: string, number: number, payload: Buffer): Reader {
  const reader = new Reader(message, payload)
  const found = reader.byte('message number')
  if (found !== number) throw reader.error('message number', `is ${found}, where only ${number} may come`)
  return reader
}
