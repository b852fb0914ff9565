import type { KexMethod } from './method.js'
import { curve25519, curve25519Libssh } from './methods/curve25519.js'

const methods: readonly KexMethod[] = [curve25519, curve25519Libssh]

/** Every key exchange method that can be negotiated, by name; in the order in which they are preferred. */
export const kexMethods: ReadonlyMap<string, KexMethod> = new Map(methods.map((method) => [method.name, method]))
