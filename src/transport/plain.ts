import { uint32At } from '../wire/uint32.js'
import type { Opener, Sealer } from './cipher.js'

/** Packets before the first NEWKEYS: neither encrypted nor authenticated, but padded (RFC 4253 section 6). */
export const plainSealer: Sealer = {
  blockSize: 8,
  lengthInPadding: true,
  tagBytes: 0,
  seal(_sequence, packet, out) {
    out.push(Buffer.from(packet))
  },
}

export const plainOpener: Opener = {
  blockSize: 8,
  headBytes: 4,
  lengthInPadding: true,
  tagBytes: 0,
  lengthField: 'clear',
  length: (_sequence, head) => uint32At(head, 0),
  // A copy, as every other opener's result is: a handler may keep the payload, and the read buffer is used again.
  open: (_sequence, packet) => Buffer.from(packet.subarray(4)),
}
