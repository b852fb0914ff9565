import { HoldfastError } from '../errors.js'
import { ciphers } from '../transport/ciphers.js'
import type { AlgorithmOffer } from '../wire/kex-messages.js'
import { printable } from '../wire/printable.js'
import type { Algorithms } from './algorithms.js'

/** Offered beside the key exchange methods: not methods, but signs of what a side can do. */
export const signal = {
  strictClient: 'kex-strict-c-v00@openssh.com',
  strictServer: 'kex-strict-s-v00@openssh.com',
  extInfoClient: 'ext-info-c',
  extInfoServer: 'ext-info-s',
} as const

const signals: readonly string[] = Object.values(signal)

/** What both sides agreed on for one direction. AEAD ciphers have no MAC of their own. */
export interface DirectionAlgorithms {
  readonly cipher: string
  readonly mac: string | undefined
}

export interface Negotiated {
  readonly kex: string
  readonly serverHostKey: string
  readonly clientToServer: DirectionAlgorithms
  readonly serverToClient: DirectionAlgorithms
  /** Whether a key exchange packet that the peer sent on a guess is of another method, and to be thrown away. */
  readonly guessedWrong: boolean
  /** Whether the client wants to be told by EXT_INFO what the server can do (RFC 8308 section 2.1). */
  readonly clientTakesExtInfo: boolean
}

/** What both sides agreed on (RFC 4253 section 7.1), by the names of the protocol. */
export interface NegotiatedAlgorithms {
  readonly kex: string
  readonly serverHostKey: string
  readonly clientToServer: DirectionAlgorithms
  readonly serverToClient: DirectionAlgorithms
  /** Whether strict key exchange holds (OpenSSH PROTOCOL 1.10), which CVE-2023-48795 needs to be absent. */
  readonly strictKex: boolean
  /** What the peer says it is: `OpenSSH_9.2p1`. */
  readonly peer: string
}

/** Only what the first KEXINIT says of strict key exchange counts (OpenSSH PROTOCOL 1.10). */
export function isStrict(client: AlgorithmOffer, server: AlgorithmOffer): boolean {
  return client.kex.includes(signal.strictClient) && server.kex.includes(signal.strictServer)
}

export function makeOffer(algorithms: Algorithms, signs: readonly string[]): AlgorithmOffer {
  return {
    kex: [...algorithms.kex, ...signs],
    serverHostKey: algorithms.serverHostKey,
    cipherClientToServer: algorithms.cipher,
    cipherServerToClient: algorithms.cipher,
    macClientToServer: algorithms.mac,
    macServerToClient: algorithms.mac,
    compressionClientToServer: ['none'],
    compressionServerToClient: ['none'],
  }
}

/** RFC 4253 section 7.1: for each list, the first name of the client's that the server has too. */
export function negotiate(client: AlgorithmOffer, server: AlgorithmOffer): Negotiated {
  const kex = choose('kex', client.kex, server.kex)
  const serverHostKey = choose('serverHostKey', client.serverHostKey, server.serverHostKey)
  choose('compression', client.compressionClientToServer, server.compressionClientToServer)
  choose('compression', client.compressionServerToClient, server.compressionServerToClient)
  return {
    kex,
    serverHostKey,
    clientToServer: direction(
      [client.cipherClientToServer, server.cipherClientToServer],
      [client.macClientToServer, server.macClientToServer],
    ),
    serverToClient: direction(
      [client.cipherServerToClient, server.cipherServerToClient],
      [client.macServerToClient, server.macServerToClient],
    ),
    clientTakesExtInfo: client.kex.includes(signal.extInfoClient),
    guessedWrong: client.kex[0] !== server.kex[0] || client.serverHostKey[0] !== server.serverHostKey[0],
  }
}

type TwoOffers = readonly [client: readonly string[], server: readonly string[]]

function direction(cipherOffers: TwoOffers, macOffers: TwoOffers): DirectionAlgorithms {
  const cipher = choose('cipher', ...cipherOffers)
  const aead = ciphers.get(cipher)?.aead ?? false
  return { cipher, mac: aead ? undefined : choose('mac', ...macOffers) }
}

/** The option in `algorithms` that would help, and what the field calls it. */
const listNames = {
  kex: 'key exchange method',
  serverHostKey: 'host key algorithm',
  cipher: 'cipher',
  mac: 'MAC',
  compression: 'compression',
} as const

function choose(list: keyof typeof listNames, client: readonly string[], server: readonly string[]): string {
  const chosen = client.find((name) => server.includes(name) && !signals.includes(name))
  if (chosen !== undefined) return chosen
  throw new HoldfastError(
    'ERR_SSH_NEGOTIATION',
    `no ${listNames[list]} in common: the client offers ${show(client)}; the server offers ${show(server)}`,
    {
      phase: 'keyExchange',
      hint: `name one of the peer’s in the option algorithms.${list}, if it is safe enough for you`,
    },
  )
}

function show(names: readonly string[]): string {
  return printable(names.filter((name) => !signals.includes(name)).join(', '), 1000)
}
