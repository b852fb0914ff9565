import { kexMethods } from '../kex/methods.js'
import { keyAlgorithms } from '../keys/key-types/registry.js'
import { ciphers } from '../transport/ciphers.js'
import { macs } from '../transport/macs.js'
import type { AlgorithmOptions } from './options.js'

/** Every name that a list of `algorithms` may hold, the weak ones too. */
export const algorithmNames: Readonly<Record<keyof AlgorithmOptions, readonly string[]>> = {
  kex: [...kexMethods.keys()],
  serverHostKey: keyAlgorithms,
  cipher: [...ciphers.keys()],
  mac: [...macs.keys()],
  publicKey: keyAlgorithms,
}
