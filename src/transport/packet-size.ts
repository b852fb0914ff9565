import { HoldfastError } from '../errors.js'
import { messageName } from '../wire/numbers.js'

/**
 * What the packet length field may say at most. RFC 4253 section 6.1 asks for 35000 bytes; OpenSSH takes up to this
 * (PACKET_MAX_SIZE in packet.c), and ends the connection for more, as we do.
 */
export const maxPacketLength = 256 * 1024

/** More than any packet is padded with: a block of 64 bytes, and 3. */
const maxPadding = 64 + 3

/** The largest message that fits into one packet, however it is padded. */
export const maxPayload = maxPacketLength - 1 - maxPadding

/** What is wrong with a message that no packet can take; undefined where one can. */
export function oversizeError(payload: Buffer, bytes = payload.length): HoldfastError | undefined {
  if (bytes <= maxPayload) return undefined
  const name = messageName(payload[0] ?? 0)
  return new HoldfastError('ERR_SSH_OPTION', `${name} of ${bytes} bytes: one packet takes at most ${maxPayload}`)
}
