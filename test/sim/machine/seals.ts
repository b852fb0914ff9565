import { wrapSealers } from '../../support/core/wrap-sealers.js'
import { payloadOf } from '../wire/payload.js'

/** Of each piece of a sealed packet: what the packet holds, on the last of its pieces; null on those before. */
const sealed = new WeakMap<Uint8Array, Buffer | null>()

/** What a piece of output tells of packets. */
export interface PieceFacts {
  /** Whether a packet, or a line, ends with it. */
  readonly isLast: boolean
  /** Of the packet that ends with it; undefined for a line. */
  readonly payload: Buffer | undefined
}

/** Looks at every packet in the instant before it is sealed, by whatever cipher. */
export function watchSeals(): void {
  wrapSealers((seal) => (sequence, packet, out) => {
    // The memory of the packet is used again.
    const payload = payloadOf(Buffer.from(packet))
    const before = out.length
    seal(sequence, packet, out)
    for (const piece of out.slice(before, -1)) sealed.set(piece, null)
    const last = out.at(-1)
    if (last !== undefined && payload !== undefined) sealed.set(last, payload)
  })
}

export function factsOf(piece: Uint8Array): PieceFacts {
  const payload = sealed.get(piece)
  return payload === undefined
    ? { isLast: true, payload: payloadOf(Buffer.from(piece)) }
    : { isLast: payload !== null, payload: payload ?? undefined }
}
