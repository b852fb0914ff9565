import type { CipherSpec, Sealer } from '#src/transport/cipher.js'
import { ciphers } from '#src/transport/ciphers.js'
import { payloadOf } from '../../sim/wire/payload.js'

/** Numbers of the messages that no cipher of this process seals: it throws, with half of the packet given out. */
export const unsealable = new Set<number>()

/** What is thrown, as by a cipher of `node:crypto`. */
export const cryptoFailure = new Error('error:0308010C:digital envelope routines::unsupported')

let beforeSealer = (): void => {}

/** @param before called whenever a sealer is to be made; it may throw */
export function breakSealers(before: () => void): void {
  beforeSealer = before
}

const specs = [...ciphers.values()].map(failing)
if (ciphers instanceof Map) for (const spec of specs) ciphers.set(spec.name, spec)

function failing(spec: CipherSpec): CipherSpec {
  return {
    ...spec,
    sealer: (keys, mac) => {
      beforeSealer()
      return failingSealer(spec.sealer(keys, mac))
    },
  }
}

function failingSealer(sealer: Sealer): Sealer {
  const { blockSize, lengthInPadding, tagBytes } = sealer
  return {
    blockSize,
    lengthInPadding,
    tagBytes,
    seal: (sequence, packet, out) => {
      if (unsealable.has(payloadOf(Buffer.from(packet))?.[0] ?? -1)) {
        out.push(packet.subarray(0, 4))
        throw cryptoFailure
      }
      sealer.seal(sequence, packet, out)
    },
  }
}
