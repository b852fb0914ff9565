/**
 * Protection of packets in one direction. A `packet` is uint32 length, byte padding length, payload, padding
 * (RFC 4253 section 6), already padded to the block size.
 */
import type { MacSpec } from './mac.js'

/** Encrypts and authenticates the packets that go out. */
export interface Sealer {
  /** Padding rounds to this; at least 8. */
  readonly blockSize: number
  /** Whether the length field counts when padding: not with AEAD (RFC 5647 section 7.2) and encrypt-then-MAC (OpenSSH PROTOCOL 1.5). */
  readonly lengthInPadding: boolean
  readonly tagBytes: number
  /** Pushes the bytes to send, in memory of their own: that of `packet` is used again. */
  seal(sequence: number, packet: Uint8Array, out: Uint8Array[]): void
}

/** Checks and decrypts the packets that come in. */
export interface Opener {
  readonly blockSize: number
  /** How many bytes of a packet must be there before `length` can be told. */
  readonly headBytes: number
  readonly lengthInPadding: boolean
  readonly tagBytes: number
  /**
   * What somebody who altered a packet could learn from how its length is refused: nothing where it goes in the clear;
   * plain text where it is encrypted, if it is told; and with CBC already by when the connection ends (CVE-2008-5161).
   */
  readonly lengthField: 'clear' | 'encrypted' | 'chained'
  /** The length field of the next packet, still unauthenticated. Call it exactly once a packet, before `open`. */
  length(sequence: number, head: Uint8Array): number
  /**
   * Takes a whole packet from length field to tag and returns padding length, payload and padding.
   * @throws HoldfastError ERR_SSH_PROTOCOL when the tag is wrong; nothing of the packet was used then.
   */
  open(sequence: number, packet: Uint8Array): Buffer
}

/** What the key schedule derived for one direction: lengths as `CipherSpec` and `MacSpec` ask. */
export interface DirectionKeys {
  readonly key: Buffer
  readonly iv: Buffer
  readonly macKey: Buffer
}

/** A cipher as it is negotiated: sizes and constructors. An AEAD takes no MAC; every other cipher needs one. */
export interface CipherSpec {
  readonly name: string
  readonly keyBytes: number
  readonly ivBytes: number
  readonly blockSize: number
  readonly aead: boolean
  /** Only ever negotiated when named: broken, or weak in this protocol. */
  readonly insecure: boolean
  /** After this many bytes in one direction the keys are used up (RFC 4344 section 3.2). */
  readonly rekeyBytes: number
  sealer(keys: DirectionKeys, mac: MacSpec | undefined): Sealer
  opener(keys: DirectionKeys, mac: MacSpec | undefined): Opener
}

/** RFC 4344 section 3.2: 2^(L/4) blocks for a block of L bits, and for short blocks no more than 1 GiB. */
export function rekeyBytesOf(blockSize: number): number {
  return blockSize >= 16 ? 2 ** (blockSize * 2) * blockSize : 2 ** 30
}
