import type { PublicKeys } from '../publickey/public-keys.js'
import { orFalse, warn } from './answer.js'
import {
  arrayArgument,
  boolArgument,
  bytesArgument,
  isNumericIndex,
  type Place,
  stringArgument,
  wrongType,
} from './arguments.js'
import type { Peer } from './peer.js'
import { onClient, peerOf, type Ssh2Session } from './session.js'
import { nothingMade } from './work.js'

/** What `ssh2_publickey_init()` gives: PHP's resource `SSH2 Publickey Subsystem`. */
export class Ssh2Publickey {
  /** As PHP's `get_resource_type()`. */
  get [Symbol.toStringTag](): string {
    return 'SSH2 Publickey Subsystem'
  }
}

/** By their names; one whose name begins with `*` is mandatory: a server that does not know it takes the key not at all. */
export type Ssh2PublickeyAttributes = Readonly<Record<string, string | number>>

/** A key of `ssh2_publickey_list()`. */
export interface Ssh2ListedKey {
  /** `ssh-ed25519` */
  readonly name: string
  readonly blob: Buffer
  readonly attrs: Readonly<Record<string, string>>
}

interface Subsystem {
  readonly keys: PublicKeys
  readonly session: Ssh2Session
  readonly peer: Peer
}

const subsystems = new WeakMap<object, Subsystem>()

/**
 * Starts the publickey subsystem (RFC 4819), which keeps the keys with which the user may log in. OpenSSH has none. It ends
 * with the session, or by `fclose()`.
 * @throws TypeError
 */
export async function ssh2_publickey_init(session: Ssh2Session): Promise<Ssh2Publickey | false> {
  const name = 'ssh2_publickey_init'
  const peer = peerOf(name, session)
  return onClient({ name, says: 'Unable to initialize publickey subsystem' }, session, {
    start: async (client, signal) => {
      const pkey = new Ssh2Publickey()
      subsystems.set(pkey, { keys: await client.publicKeys({ signal }), session, peer })
      return pkey
    },
    undo: (pkey) => publicKeysOf(pkey)?.close(),
  })
}

/**
 * Adds a key.
 * @param blob its bytes as they go over the wire
 * @param overwrite whether it may be there already, with other attributes
 * @throws TypeError
 */
export async function ssh2_publickey_add(
  pkey: Ssh2Publickey,
  algoname: string,
  blob: string | Buffer,
  overwrite = false,
  attributes: Ssh2PublickeyAttributes | null = null,
): Promise<boolean> {
  const name = 'ssh2_publickey_add'
  const key = keyArguments(name, algoname, blob)
  boolArgument([name, 4, 'overwrite'], overwrite)
  const wanted = attributesOf([name, 5, 'attributes'], attributes)
  return onKeys({ name, says: `Unable to add ${algoname} key` }, pkey, async (keys, signal) => {
    await keys.add(key, { overwrite, attributes: wanted, signal })
    return true
  })
}

/** Removes a key. @throws TypeError */
export async function ssh2_publickey_remove(
  pkey: Ssh2Publickey,
  algoname: string,
  blob: string | Buffer,
): Promise<boolean> {
  const name = 'ssh2_publickey_remove'
  const key = keyArguments(name, algoname, blob)
  return onKeys({ name, says: `Unable to remove ${algoname} key` }, pkey, async (keys, signal) => {
    await keys.remove(key, { signal })
    return true
  })
}

/** The keys that the server keeps for the user. @throws TypeError */
export async function ssh2_publickey_list(pkey: Ssh2Publickey): Promise<readonly Ssh2ListedKey[] | false> {
  const name = 'ssh2_publickey_list'
  return onKeys({ name, says: 'Unable to list keys on remote server' }, pkey, async (keys, signal) => {
    const listed = await keys.list({ signal })
    return listed.map(({ algorithm, blob, attributes }) => {
      // Of two with one name PHP keeps the first, and an object the last.
      const attrs = Object.fromEntries(attributes.map(({ name: key, value }) => [key, value] as const).toReversed())
      return { name: algorithm, blob: Buffer.from(blob), attrs }
    })
  })
}

/** What ends the subsystem behind a handle. */
export function publicKeysOf(pkey: unknown): Pick<PublicKeys, 'close'> | undefined {
  const subsystem = pkey instanceof Ssh2Publickey ? subsystems.get(pkey) : undefined
  if (subsystem === undefined) return undefined
  const { keys, peer } = subsystem
  return { close: () => peer.during(() => keys.close()) }
}

async function onKeys<T>(
  { name, says }: { readonly name: string; readonly says: string },
  pkey: Ssh2Publickey,
  ask: (keys: PublicKeys, signal: AbortSignal) => Promise<T>,
): Promise<T | false> {
  const subsystem = pkey instanceof Ssh2Publickey ? subsystems.get(pkey) : undefined
  if (subsystem === undefined) throw wrongType([name, 1, 'pkey'], 'resource', pkey)
  const { keys, session, peer } = subsystem
  return orFalse({ name, says, of: [pkey, session] }, () =>
    peer.within(name, { start: (signal) => ask(keys, signal), undo: nothingMade }),
  )
}

function keyArguments(name: string, algoname: unknown, blob: unknown): { algorithm: string; blob: Buffer } {
  const algorithm = stringArgument([name, 2, 'algoname'], algoname)
  return { algorithm, blob: Buffer.from(bytesArgument([name, 3, 'blob'], blob)) }
}

function attributesOf(place: Place, given: unknown): { name: string; value: string; isCritical: boolean }[] {
  return [...arrayArgument(place, given)].flatMap(([key, value]) => {
    const isCritical = key.startsWith('*')
    const name = isCritical ? key.slice(1) : key
    if (isNumericIndex(key)) warn(place[0], 'Malformed attribute array, contains numeric index')
    else if (name === '') warn(place[0], 'Empty attribute key')
    else return [{ name, value: String(value), isCritical }]
    return []
  })
}
