import { createHash } from 'node:crypto'
import type { CipherSpec, DirectionKeys, Opener, Sealer } from '#src/transport/cipher.js'
import type { MacSpec } from '#src/transport/mac.js'

/** Bytes that are the same in every run. */
export function bytesFrom(seed: string, size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(seed).digest()
}

export function keysFor(cipher: CipherSpec, mac: MacSpec | undefined, seed = 'keys'): DirectionKeys {
  return {
    key: bytesFrom(`${seed} key`, cipher.keyBytes),
    iv: bytesFrom(`${seed} iv`, cipher.ivBytes),
    macKey: bytesFrom(`${seed} mac`, mac?.keyBytes ?? 0),
  }
}

/** A packet as the framing makes it: length, padding length, payload, padding. */
export function frame(payload: Buffer, { blockSize, lengthInPadding }: Sealer): Buffer {
  const counted = (lengthInPadding ? 5 : 1) + payload.length
  let padding = blockSize - (counted % blockSize)
  if (padding < 4) padding += blockSize
  const packet = Buffer.alloc(5 + payload.length + padding, 0xaa)
  packet.writeUInt32BE(1 + payload.length + padding)
  packet[4] = padding
  payload.copy(packet, 5)
  return packet
}

/** The bytes on the wire of one packet. */
export function seal(sealer: Sealer, sequence: number, packet: Buffer): Buffer {
  const out: Buffer[] = []
  sealer.seal(sequence, packet, out)
  return Buffer.concat(out)
}

/** Reads one packet as the framing does: the head, then the whole. Returns what stood after the length field. */
export function open(opener: Opener, sequence: number, wire: Buffer): Buffer {
  const length = opener.length(sequence, wire.subarray(0, opener.headBytes))
  if (length !== wire.length - 4 - opener.tagBytes) throw new Error(`length ${length} in ${wire.length} bytes`)
  return opener.open(sequence, wire)
}
