import { aes128Gcm, aes256Gcm } from './aes-gcm.js'
import {
  aes128CbcInsecure,
  aes128Ctr,
  aes192CbcInsecure,
  aes192Ctr,
  aes256CbcInsecure,
  aes256Ctr,
  tripleDesCbcInsecure,
} from './block-ciphers.js'
import { chaCha20Poly1305 } from './chacha20-poly1305.js'
import type { CipherSpec } from './cipher.js'

const specs: readonly CipherSpec[] = [
  aes128Gcm,
  aes256Gcm,
  aes128Ctr,
  aes192Ctr,
  aes256Ctr,
  chaCha20Poly1305,
  aes256CbcInsecure,
  aes192CbcInsecure,
  aes128CbcInsecure,
  tripleDesCbcInsecure,
]

/** Every cipher that can be negotiated, by name; in the order in which they are preferred. */
export const ciphers: ReadonlyMap<string, CipherSpec> = new Map(specs.map((spec) => [spec.name, spec]))
