/** Diffie-Hellman in the groups of RFC 3526 and RFC 2409, under the names of RFC 8268 and RFC 4253 section 8. */
import { getDiffieHellman } from 'node:crypto'
import { type Group, dhMessages as messages } from '../../wire/kex-method-messages.js'
import type { KexMethod } from '../method.js'
import { finiteField } from './finite-field.js'
import { ShareClient, ShareServer } from './share-exchange.js'

/** As node:crypto names them; `modp2` is group 1 of RFC 4253. */
type ModpName = 'modp2' | 'modp14' | 'modp15' | 'modp16' | 'modp17' | 'modp18'

export function modpGroup(name: ModpName): Group {
  const group = getDiffieHellman(name)
  return { prime: group.getPrime(), generator: group.getGenerator() }
}

function method(spec: Pick<KexMethod, 'name' | 'hash' | 'insecure'> & { readonly group: ModpName }): KexMethod {
  const { name, hash, insecure } = spec
  // Made for each exchange: OpenSSL takes 40 ms over modp2, which hardly anybody needs.
  const exchange = () => ({ name, messages, agreement: finiteField(modpGroup(spec.group)) })
  return {
    name,
    hash,
    insecure,
    client: (randomBytes) => new ShareClient(exchange(), randomBytes),
    server: (randomBytes) => new ShareServer(exchange(), randomBytes),
  }
}

const sha1 = { hash: 'sha1', insecure: true } as const
const sha256 = { hash: 'sha256', insecure: false } as const
const sha512 = { hash: 'sha512', insecure: false } as const

export const dhGroup14 = method({ name: 'diffie-hellman-group14-sha256', ...sha256, group: 'modp14' })
export const dhGroup16 = method({ name: 'diffie-hellman-group16-sha512', ...sha512, group: 'modp16' })
export const dhGroup18 = method({ name: 'diffie-hellman-group18-sha512', ...sha512, group: 'modp18' })
export const dhGroup14Insecure = method({ name: 'diffie-hellman-group14-sha1', ...sha1, group: 'modp14' })
export const dhGroup1Insecure = method({ name: 'diffie-hellman-group1-sha1', ...sha1, group: 'modp2' })
