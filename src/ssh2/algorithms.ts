import { algorithmNames } from '../client/algorithm-names.js'
import type { AlgorithmOptions } from '../client/options.js'

/** A list as ssh2 takes it: the names alone, or changes of the list that holds by itself. */
export type AlgorithmList<Name extends string = string> =
  | readonly Name[]
  | {
      readonly append?: AlgorithmPattern<Name> | readonly AlgorithmPattern<Name>[]
      readonly prepend?: AlgorithmPattern<Name> | readonly AlgorithmPattern<Name>[]
      readonly remove?: AlgorithmPattern<Name> | readonly AlgorithmPattern<Name>[]
    }

type AlgorithmPattern<Name extends string> = Name | RegExp

export interface Algorithms {
  readonly kex?: AlgorithmList
  readonly serverHostKey?: AlgorithmList
  readonly cipher?: AlgorithmList
  readonly hmac?: AlgorithmList
  readonly compress?: AlgorithmList
}

interface Family {
  /** What is offered where the program names nothing. What ssh2 offers stays: servers that it reached are reached still. */
  readonly standard: readonly string[]
  /** What ssh2 knows besides. */
  readonly further: readonly string[]
}

const families = {
  kex: {
    standard: [
      'mlkem768x25519-sha256',
      'curve25519-sha256@libssh.org',
      'curve25519-sha256',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group-exchange-sha256',
      'diffie-hellman-group14-sha256',
      'diffie-hellman-group15-sha512',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group17-sha512',
      'diffie-hellman-group18-sha512',
    ],
    further: ['diffie-hellman-group-exchange-sha1', 'diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
  },
  serverHostKey: {
    standard: [
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
      'ecdsa-sha2-nistp384',
      'ecdsa-sha2-nistp521',
      'rsa-sha2-512',
      'rsa-sha2-256',
      'ssh-rsa',
    ],
    further: ['ssh-dss'],
  },
  cipher: {
    standard: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
      'chacha20-poly1305@openssh.com',
    ],
    further: [
      'aes256-cbc',
      'aes192-cbc',
      'aes128-cbc',
      'blowfish-cbc',
      '3des-cbc',
      'aes128-gcm',
      'aes256-gcm',
      'arcfour256',
      'arcfour128',
      'cast128-cbc',
      'arcfour',
    ],
  },
  hmac: {
    standard: [
      'hmac-sha2-256-etm@openssh.com',
      'hmac-sha2-512-etm@openssh.com',
      'hmac-sha1-etm@openssh.com',
      'hmac-sha2-256',
      'hmac-sha2-512',
      'hmac-sha1',
    ],
    further: ['hmac-md5', 'hmac-sha2-256-96', 'hmac-sha2-512-96', 'hmac-ripemd160', 'hmac-sha1-96', 'hmac-md5-96'],
  },
  compress: { standard: ['none', 'zlib@openssh.com', 'zlib'], further: [] },
} as const satisfies Record<keyof Algorithms, Family>

/** What Holdfast has of each. */
const available: Readonly<Record<keyof Algorithms, readonly string[]>> = {
  kex: algorithmNames.kex,
  serverHostKey: algorithmNames.serverHostKey,
  cipher: algorithmNames.cipher,
  hmac: algorithmNames.mac,
  compress: ['none'],
}

export interface ChosenAlgorithms {
  readonly options: AlgorithmOptions
  /** A list of which Holdfast has nothing: the connection is ssh2's own to make. */
  readonly lacking: string | undefined
}

/**
 * What the program's lists come to.
 * @throws Error `Unsupported algorithm: …` for a name that ssh2 does not know either
 */
export function chooseAlgorithms(given: unknown): ChosenAlgorithms {
  const lists = typeof given === 'object' && given !== null ? given : {}
  const chosen = (family: keyof Algorithms) => {
    const wanted = listOf(Reflect.get(lists, family), families[family])
    const usable = wanted.filter((name) => available[family].includes(name))
    return { family, wanted, usable }
  }
  const [kex, serverHostKey, cipher, mac, compress] = [
    chosen('kex'),
    chosen('serverHostKey'),
    chosen('cipher'),
    chosen('hmac'),
    chosen('compress'),
  ]
  const missing = [kex, serverHostKey, cipher, mac, compress].find(({ usable }) => usable.length === 0)
  return {
    options: { kex: kex.usable, serverHostKey: serverHostKey.usable, cipher: cipher.usable, mac: mac.usable },
    lacking: missing && `${missing.family}: ${missing.wanted.join(', ')}`,
  }
}

function listOf(given: unknown, { standard, further }: Family): readonly string[] {
  const known = [...standard, ...further]
  if (Array.isArray(given) && given.length > 0) return given.map((name: unknown) => checked(name, known))
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return standard
  let list: readonly string[] = standard
  for (const [operation, value] of Object.entries(given)) {
    const patterns: readonly unknown[] = Array.isArray(value) ? value : [value]
    list = changed(list, operation, patterns, known)
  }
  return list
}

function changed(
  list: readonly string[],
  operation: string,
  patterns: readonly unknown[],
  known: readonly string[],
): readonly string[] {
  if (operation === 'remove') return list.filter((name) => !patterns.some((pattern) => matches(pattern, name)))
  if (operation !== 'append' && operation !== 'prepend') return list
  const named = patterns.flatMap((pattern) => meant(pattern, known))
  const added = [...new Set(named)].filter((name) => !list.includes(name))
  return operation === 'append' ? [...list, ...added] : [...added, ...list]
}

/** The names that one pattern stands for. */
function meant(pattern: unknown, known: readonly string[]): readonly string[] {
  if (pattern instanceof RegExp) return known.filter((name) => matches(pattern, name))
  return typeof pattern === 'string' && pattern !== '' ? [checked(pattern, known)] : []
}

function matches(pattern: unknown, name: string): boolean {
  // Anew each time: one with the flag `g` remembers where it was.
  if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(name)
  return pattern === name
}

function checked(name: unknown, known: readonly string[]): string {
  if (typeof name === 'string' && known.includes(name)) return name
  throw new Error(`Unsupported algorithm: ${String(name)}`)
}
