/** How a host tells of all its keys, and proves that they are its own: OpenSSH's PROTOCOL section 2.5. */
import { HoldfastError } from '../errors.js'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import { type KeyRules, safeKeys } from './key-types/key-type.js'
import type { KnownHostsEntry } from './known-hosts.js'
import type { PrivateKey } from './private-key.js'
import { type PublicKey, parsePublicKey } from './public-key.js'
import { signatureAlgorithm } from './signature.js'

export const hostKeysRequest = 'hostkeys-00@openssh.com'
export const proofRequest = 'hostkeys-prove-00@openssh.com'

/** More keys than types exist, by far. */
const maxKeys = 64

/** The data of either request: a list of keys. */
export function encodeHostKeys(keys: readonly PublicKey[]): Buffer {
  const writer = new Writer()
  for (const key of keys) writer.string(key.plainBlob)
  return writer.finish()
}

/**
 * Reads the data of either request. Keys of types that are not supported here are left out, and so are certificates and
 * repetitions.
 * @throws HoldfastError ERR_SSH_PROTOCOL if it is no list, or one of more than 64 keys
 */
export function decodeHostKeys(data: Buffer, rules: KeyRules = safeKeys): readonly PublicKey[] {
  const reader = new Reader(hostKeysRequest, data)
  const keys: PublicKey[] = []
  for (let count = 0; reader.remaining > 0; count++) {
    if (count === maxKeys) throw reader.error('host keys', `are more than ${maxKeys}`)
    const blob = reader.string('host key')
    const key = keys.some((other) => other.blob.equals(blob)) ? undefined : parseSupported(blob, rules)
    if (key !== undefined && key.certificate === undefined) keys.push(key)
  }
  return keys
}

function parseSupported(blob: Buffer, rules: KeyRules): PublicKey | undefined {
  try {
    return parsePublicKey(blob, 'public key', rules)
  } catch {
    return undefined
  }
}

/** What a host signs to prove that a key is its own, in this connection and no other. */
function signedData(sessionId: Buffer, key: PublicKey): Buffer {
  return new Writer().string(proofRequest).string(sessionId).string(key.plainBlob).finish()
}

/**
 * Checks the reply to a request for proofs: one signature a key, in the order asked. SHA-1 proves nothing.
 * @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_HOST_KEY_SIGNATURE: then none of the keys may be trusted
 */
export function checkProofs(reply: Buffer, keys: readonly PublicKey[], sessionId: Buffer): void {
  const reader = new Reader(`reply to ${proofRequest}`, reply)
  for (const key of keys) {
    const signature = reader.string('signature')
    const algorithm = signatureAlgorithm(signature) ?? 'none'
    if (algorithm !== 'ssh-rsa' && key.verify(algorithm, signedData(sessionId, key), signature)) continue
    const message = `the peer did not prove that it owns the further host key ${key.type} ${key.fingerprint()}`
    throw new HoldfastError('ERR_SSH_HOST_KEY_SIGNATURE', message)
  }
  reader.end()
}

/**
 * The server's reply to a request for proofs, or undefined if it names a key that is not the server's.
 * @throws HoldfastError ERR_SSH_PROTOCOL
 */
export function encodeProofs(data: Buffer, own: readonly PrivateKey[], sessionId: Buffer): Buffer | undefined {
  const writer = new Writer()
  for (const wanted of decodeHostKeys(data)) {
    const key = own.find(({ publicKey }) => publicKey.plainBlob.equals(wanted.plainBlob))
    if (key === undefined) return undefined
    const [algorithm = ''] = key.publicKey.signatureAlgorithms
    writer.string(key.sign(algorithm, signedData(sessionId, wanted)))
  }
  return writer.finish()
}

export interface RotationPlan {
  /** Not in the file yet: each needs a proof before it may be added. */
  readonly unproven: readonly PublicKey[]
  /** In the file, and no longer the host's. */
  readonly obsolete: readonly KnownHostsEntry[]
}

/**
 * What a host's list of keys asks for in the user's own known_hosts file, by the rules of OpenSSH's UpdateHostKeys:
 * nothing, where a person has put more into the file than ssh does. That is so if a line for this host has a marker, a
 * pattern or more than two names (ssh writes name and address), and if any of its keys also stands under another name.
 * What is no longer offered goes without a proof: the host itself, which proved its key in this connection, says so.
 * @param entries of that file alone
 * @param own those of them that name the host
 * @returns undefined if the file is to be left as it is
 */
export function planRotation(
  entries: readonly KnownHostsEntry[],
  own: readonly KnownHostsEntry[],
  offered: readonly PublicKey[],
): RotationPlan | undefined {
  if (!own.every(isSimple)) return undefined
  const isOffered = (entry: KnownHostsEntry) => offered.some((key) => key.plainBlob.equals(entry.blob))
  // At least one key of the host must be in this file: else it is not by this file that it is trusted.
  if (!own.some(isOffered)) return undefined
  const unproven = offered.filter((key) => !own.some(({ blob }) => blob.equals(key.plainBlob)))
  const obsolete = own.filter((entry) => !isOffered(entry))
  const elsewhere = entries.filter((entry) => !own.includes(entry))
  const isObsolete = (entry: KnownHostsEntry) => obsolete.some(({ blob }) => blob.equals(entry.blob))
  if (elsewhere.some((entry) => isOffered(entry) || isObsolete(entry))) return undefined
  if (unproven.length === 0 && obsolete.length === 0) return undefined
  return { unproven, obsolete }
}

function isSimple({ marker, hosts }: KnownHostsEntry): boolean {
  if (marker !== 'none') return false
  return hosts.form === 'hashed' || (hosts.patterns.length <= 2 && !hosts.patterns.some((name) => /[*?!]/.test(name)))
}
