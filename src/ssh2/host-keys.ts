import { createHash, getHashes } from 'node:crypto'
import type { Link } from '../client/link.js'
import type { HostKeyOptions } from '../client/options.js'
import { checkProofs, decodeHostKeys, encodeHostKeys, proofRequest } from '../keys/host-key-rotation.js'
import { called } from './called.js'
import type { ConnectConfig } from './config.js'
import { keyRules, type ParsedKey, parseKey } from './parsed-key.js'

/** Whom to trust: whom the program's verifier accepts; undefined without one. */
export function hostKeyOption({ hostVerifier, hostHash }: ConnectConfig): HostKeyOptions | undefined {
  if (typeof hostVerifier !== 'function') return undefined
  const hash = typeof hostHash === 'string' && getHashes().includes(hostHash) ? hostHash : undefined
  return {
    knownHosts: [],
    update: false,
    verify: ({ key }) => {
      const shown = hash === undefined ? Buffer.from(key.blob) : createHash(hash).update(key.blob).digest('hex')
      return called<boolean>((answer) => {
        const verify = (isValid: unknown) => answer(isValid !== false)
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- which of the two it takes goes with hostHash
        const accepted: unknown = hostVerifier(shown as never, verify)
        if (accepted !== undefined) answer(accepted !== false)
      })
    },
  }
}

/**
 * The keys of which a host says, after authentication, that they are its own (OpenSSH PROTOCOL section 2.5), as far as it
 * proves that; undefined where it does not.
 */
async function provenHostKeys({ connection }: Link, data: Buffer): Promise<readonly ParsedKey[] | undefined> {
  const { sessionId } = connection
  if (sessionId === undefined) return undefined
  try {
    const keys = decodeHostKeys(data, keyRules)
    const reply = await connection.globalRequest(proofRequest, encodeHostKeys(keys))
    checkProofs(reply, keys, sessionId)
    return keys.map((key) => parseKey(key.blob)).flatMap((key) => (key instanceof Error ? [] : [key]))
  } catch {
    // Without a proof they are nobody's; the connection lives.
    return undefined
  }
}

/** Tells of the keys that a host has, once the user is logged in, as far as it proves that they are its own. Never rejects. */
export async function tellHostKeys(
  ready: Promise<Link>,
  data: Buffer,
  tell: (keys: readonly ParsedKey[]) => void,
): Promise<void> {
  const link = await ready.catch(() => undefined)
  const keys = link && (await provenHostKeys(link, data))
  if (keys !== undefined) tell(keys)
}
