import { payloadOf } from '../../sim/wire/payload.js'
import { wrapSealers } from './wrap-sealers.js'

/** Numbers of the messages that no cipher of this process seals: it throws, with half of the packet given out. */
export const unsealable = new Set<number>()

/** What is thrown, as by a cipher of `node:crypto`. */
export const cryptoFailure = new Error('error:0308010C:digital envelope routines::unsupported')

let beforeSealer = (): void => {}

/** @param before called whenever a sealer is to be made; it may throw */
export function breakSealers(before: () => void): void {
  beforeSealer = before
}

wrapSealers(
  (seal) => (sequence, packet, out) => {
    if (unsealable.has(payloadOf(Buffer.from(packet))?.[0] ?? -1)) {
      out.push(packet.subarray(0, 4))
      throw cryptoFailure
    }
    seal(sequence, packet, out)
  },
  () => beforeSealer(),
)
