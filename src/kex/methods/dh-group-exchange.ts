/** Diffie-Hellman in a group that the server chooses: RFC 4419, with the sizes of RFC 8270. */
import {
  decodeGroup,
  decodeGroupRequest,
  encodeGroup,
  encodeGroupRequest,
  type Group,
  type GroupRequest,
  groupExchangeMessages as messages,
} from '../../wire/kex-method-messages.js'
import { Writer } from '../../wire/writer.js'
import type { ClientExchange, ClientStep, KexMethod, RandomBytes, ServerExchange, ServerStep } from '../method.js'
import { modpGroup } from './dh-group.js'
import { checkGroup, finiteField, maxPrimeBits, minPrimeBits } from './finite-field.js'
import { refused, ShareClient, ShareServer } from './share-exchange.js'

/** 3072 bits are worth 128 of a cipher's, as Curve25519 is (NIST SP 800-57 part 1, table 2). */
const ourRequest: GroupRequest = { min: minPrimeBits, preferred: 3072, max: maxPrimeBits }

class GroupExchangeClient implements ClientExchange {
  readonly #name: string
  readonly #randomBytes: RandomBytes
  #chosen: { readonly hashed: Buffer; readonly exchange: ShareClient } | undefined

  constructor(name: string, randomBytes: RandomBytes) {
    this.#name = name
    this.#randomBytes = randomBytes
  }

  start(): Buffer {
    return encodeGroupRequest(ourRequest)
  }

  receive(payload: Buffer): ClientStep {
    if (this.#chosen === undefined) return this.#begin(decodeGroup(payload))
    const done = this.#chosen.exchange.receive(payload)
    return { ...done, hashFields: Buffer.concat([this.#chosen.hashed, done.hashFields]) }
  }

  #begin(group: Group): ClientStep {
    checkGroup(group, 'KEX_DH_GEX_GROUP')
    const exchange = new ShareClient({ name: this.#name, messages, agreement: finiteField(group) }, this.#randomBytes)
    this.#chosen = { hashed: encodeHashed(ourRequest, group), exchange }
    return { step: 'send', payload: exchange.start() }
  }
}

class GroupExchangeServer implements ServerExchange {
  readonly #name: string
  readonly #randomBytes: RandomBytes
  #chosen: { readonly hashed: Buffer; readonly exchange: ShareServer } | undefined

  constructor(name: string, randomBytes: RandomBytes) {
    this.#name = name
    this.#randomBytes = randomBytes
  }

  receive(payload: Buffer): ServerStep {
    if (this.#chosen === undefined) return this.#choose(decodeGroupRequest(payload))
    const done = this.#chosen.exchange.receive(payload)
    return { ...done, hashFields: Buffer.concat([this.#chosen.hashed, done.hashFields]) }
  }

  #choose(request: GroupRequest): ServerStep {
    const group = chooseGroup(request)
    const exchange = new ShareServer({ name: this.#name, messages, agreement: finiteField(group) }, this.#randomBytes)
    this.#chosen = { hashed: encodeHashed(request, group), exchange }
    return { step: 'send', payload: encodeGroup(group) }
  }
}

const groups = [
  { bits: 2048, name: 'modp14' },
  { bits: 3072, name: 'modp15' },
  { bits: 4096, name: 'modp16' },
  { bits: 6144, name: 'modp17' },
  { bits: 8192, name: 'modp18' },
] as const

/** The smallest that is as large as preferred, else the largest that is allowed. */
function chooseGroup({ min, preferred, max }: GroupRequest): Group {
  const allowed = groups.filter(({ bits }) => bits >= min && bits <= max)
  const chosen = allowed.find(({ bits }) => bits >= preferred) ?? allowed.at(-1)
  if (chosen === undefined)
    throw refused('KEX_DH_GEX_REQUEST: min to max', `allows no size known here: ${min} to ${max} bits`)
  return modpGroup(chosen.name)
}

/** What the exchange hash takes before e and f (RFC 4419 section 3). */
function encodeHashed({ min, preferred, max }: GroupRequest, { prime, generator }: Group): Buffer {
  return new Writer(2200).uint32(min).uint32(preferred).uint32(max).mpint(prime).mpint(generator).finish()
}

function method(spec: Pick<KexMethod, 'name' | 'hash' | 'insecure'>): KexMethod {
  return {
    ...spec,
    client: (randomBytes) => new GroupExchangeClient(spec.name, randomBytes),
    server: (randomBytes) => new GroupExchangeServer(spec.name, randomBytes),
  }
}

export const dhGroupExchange = method({
  name: 'diffie-hellman-group-exchange-sha256',
  hash: 'sha256',
  insecure: false,
})
export const dhGroupExchangeInsecure = method({
  name: 'diffie-hellman-group-exchange-sha1',
  hash: 'sha1',
  insecure: true,
})
