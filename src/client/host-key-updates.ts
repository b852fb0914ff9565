import {
  checkProofs,
  decodeHostKeys,
  encodeHostKeys,
  hostKeysRequest,
  planRotation,
  proofRequest,
} from '../keys/host-key-rotation.js'
import { readKnownHostsFiles, rotateKnownHost } from '../keys/known-hosts-files.js'
import type { PublicKey } from '../keys/public-key.js'
import { knownAs } from './host-trust.js'
import type { Link } from './link.js'

/** What a host said of its keys after authentication. */
export interface HostKeysEvent {
  /** All keys that the host says it has. */
  readonly keys: readonly PublicKey[]
  /** Whether the known_hosts file was brought up to date with those that it proved to own. */
  readonly updated: boolean
}

export { hostKeysRequest }

/**
 * Brings the user's known_hosts file up to date with the keys that a known host announces (OpenSSH's UpdateHostKeys):
 * new ones only with a proof, and only where the file already knows the host.
 * @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_HOST_KEY_SIGNATURE, ERR_SSH_KNOWN_HOSTS, or why the connection ended
 */
export async function updateHostKeys(link: Link, data: Buffer): Promise<HostKeysEvent> {
  const keys = decodeHostKeys(data)
  return { keys, updated: await update(link, keys) }
}

async function update({ connection, settings, trust }: Link, keys: readonly PublicKey[]): Promise<boolean> {
  const { hostKey } = settings
  const { host, port } = knownAs(settings, hostKey)
  const [file] = hostKey.knownHosts
  const { sessionId } = connection
  const shown = trust?.keyOfUserFile
  // As OpenSSH: what a certificate or the administrator's file vouches for adds nothing to the user's own.
  if (!hostKey.update || file === undefined || sessionId === undefined || shown === undefined) return false
  if (!keys.some((key) => key.plainBlob.equals(shown.plainBlob))) return false
  const { entries } = await readKnownHostsFiles([file])
  const plan = planRotation(entries, keys, host, port)
  if (plan === undefined) return false
  if (plan.unproven.length > 0) {
    const reply = await connection.globalRequest(proofRequest, encodeHostKeys(plan.unproven))
    checkProofs(reply, plan.unproven, sessionId)
  }
  return await rotateKnownHost(file, { host, port, offered: keys, proven: plan.unproven })
}
