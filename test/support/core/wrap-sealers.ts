import type { CipherSpec, Sealer } from '#src/transport/cipher.js'
import { ciphers } from '#src/transport/ciphers.js'

type Seal = Sealer['seal']

/**
 * Whatever the cipher, packets of this process are sealed by what is put around it.
 * @param before called whenever a sealer is to be made; it may throw
 */
export function wrapSealers(wrap: (seal: Seal) => Seal, before: () => void = () => {}): void {
  const specs = [...ciphers.values()].map((spec) => wrapped(spec, wrap, before))
  if (ciphers instanceof Map) for (const spec of specs) ciphers.set(spec.name, spec)
}

function wrapped(spec: CipherSpec, wrap: (seal: Seal) => Seal, before: () => void): CipherSpec {
  return {
    ...spec,
    sealer: (keys, mac) => {
      before()
      const sealer = spec.sealer(keys, mac)
      const { blockSize, lengthInPadding, tagBytes } = sealer
      const seal = wrap((sequence, packet, out) => sealer.seal(sequence, packet, out))
      return { blockSize, lengthInPadding, tagBytes, seal }
    },
  }
}
