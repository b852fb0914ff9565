/** Messages of the key exchange: RFC 4253 section 7, RFC 4419 (group exchange), RFC 5656 (ECDH). */
import { messageNumber } from './numbers.js'
import { Reader } from './reader.js'
import { Writer } from './writer.js'

/** The eight lists of RFC 4253 section 7.1; languages are always empty and not kept. */
export interface AlgorithmOffer {
  readonly kex: readonly string[]
  readonly serverHostKey: readonly string[]
  readonly cipherClientToServer: readonly string[]
  readonly cipherServerToClient: readonly string[]
  readonly macClientToServer: readonly string[]
  readonly macServerToClient: readonly string[]
  readonly compressionClientToServer: readonly string[]
  readonly compressionServerToClient: readonly string[]
}

export interface KexInit {
  readonly offer: AlgorithmOffer
  readonly firstKexPacketFollows: boolean
}

export function encodeKexInit(cookie: Uint8Array, { offer, firstKexPacketFollows }: KexInit): Buffer {
  return new Writer(2048)
    .byte(messageNumber.KEXINIT)
    .bytes(cookie)
    .nameList(offer.kex)
    .nameList(offer.serverHostKey)
    .nameList(offer.cipherClientToServer)
    .nameList(offer.cipherServerToClient)
    .nameList(offer.macClientToServer)
    .nameList(offer.macServerToClient)
    .nameList(offer.compressionClientToServer)
    .nameList(offer.compressionServerToClient)
    .nameList([])
    .nameList([])
    .boolean(firstKexPacketFollows)
    .uint32(0)
    .finish()
}

export function decodeKexInit(payload: Buffer): KexInit {
  const reader = new Reader('KEXINIT', payload, 1)
  reader.bytes(16, 'cookie')
  const offer: AlgorithmOffer = {
    kex: reader.nameList('kex_algorithms'),
    serverHostKey: reader.nameList('server_host_key_algorithms'),
    cipherClientToServer: reader.nameList('encryption_algorithms_client_to_server'),
    cipherServerToClient: reader.nameList('encryption_algorithms_server_to_client'),
    macClientToServer: reader.nameList('mac_algorithms_client_to_server'),
    macServerToClient: reader.nameList('mac_algorithms_server_to_client'),
    compressionClientToServer: reader.nameList('compression_algorithms_client_to_server'),
    compressionServerToClient: reader.nameList('compression_algorithms_server_to_client'),
  }
  reader.nameList('languages_client_to_server')
  reader.nameList('languages_server_to_client')
  const firstKexPacketFollows = reader.boolean('first_kex_packet_follows')
  reader.uint32('reserved')
  reader.end()
  return { offer, firstKexPacketFollows }
}

export function encodeNewKeys(): Buffer {
  return Buffer.of(messageNumber.NEWKEYS)
}

export function decodeNewKeys(payload: Buffer): void {
  new Reader('NEWKEYS', payload, 1).end()
}
