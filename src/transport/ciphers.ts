import { aes128Gcm, aes256Gcm } from './aes-gcm.js'
import type { CipherSpec } from './cipher.js'

const specs: readonly CipherSpec[] = [aes128Gcm, aes256Gcm]

/** Every cipher that can be negotiated, by name; in the order in which they are preferred. */
export const ciphers: ReadonlyMap<string, CipherSpec> = new Map(specs.map((spec) => [spec.name, spec]))
