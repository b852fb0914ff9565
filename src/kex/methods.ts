import type { KexMethod } from './method.js'
import { curve25519, curve25519Libssh } from './methods/curve25519.js'
import { dhGroup1Insecure, dhGroup14, dhGroup14Insecure, dhGroup16, dhGroup18 } from './methods/dh-group.js'
import { dhGroupExchange, dhGroupExchangeInsecure } from './methods/dh-group-exchange.js'
import { ecdhNistp256, ecdhNistp384, ecdhNistp521 } from './methods/ecdh.js'
import { mlkem768X25519 } from './methods/mlkem768-x25519.js'

const methods: readonly KexMethod[] = [
  mlkem768X25519,
  curve25519,
  curve25519Libssh,
  ecdhNistp256,
  ecdhNistp384,
  ecdhNistp521,
  dhGroupExchange,
  dhGroup16,
  dhGroup18,
  dhGroup14,
  dhGroupExchangeInsecure,
  dhGroup14Insecure,
  dhGroup1Insecure,
]

/** Every key exchange method that can be negotiated, by name; in the order in which they are preferred. */
export const kexMethods: ReadonlyMap<string, KexMethod> = new Map(methods.map((method) => [method.name, method]))
