import { createRequire } from 'node:module'
import type * as ssh2 from 'ssh2'

const { utils } = createRequire(import.meta.url)('ssh2') as typeof ssh2

type KeyPair = ReturnType<typeof utils.generateKeyPairSync>

/** A pair that ssh2 makes and can read: of Ed25519 keys it cuts off the zero with which one of 200 begins. */
export function readablePair(make: () => KeyPair, passphrase?: string): KeyPair {
  for (;;) {
    const pair = make()
    if (!(utils.parseKey(pair.private, passphrase) instanceof Error)) return pair
  }
}

export function ed25519Pair(): KeyPair {
  return readablePair(() => utils.generateKeyPairSync('ed25519'))
}
