import {
  checkProofs,
  decodeHostKeys,
  encodeHostKeys,
  hostKeysRequest,
  planRotation,
  proofRequest,
} from '../keys/host-key-rotation.js'
import { knownHostsName } from '../keys/known-hosts.js'
import { entriesNaming, readKnownHostsFiles, rotateKnownHost } from '../keys/known-hosts-files.js'
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

/** Whether there is a known_hosts file that may have to be brought up to date. */
export function mayUpdate(link: Link): boolean {
  return whatVouched(link) !== undefined
}

/**
 * Brings the user's known_hosts file up to date with the keys that a known host announces (OpenSSH's UpdateHostKeys):
 * new ones only with a proof, and only where the file already knows the host.
 * @throws HoldfastError ERR_SSH_PROTOCOL, ERR_SSH_HOST_KEY_SIGNATURE, ERR_SSH_KNOWN_HOSTS, or why the connection ended
 */
export async function updateHostKeys(link: Link, data: Buffer): Promise<HostKeysEvent> {
  const keys = decodeHostKeys(data)
  return { keys, updated: await update(link, keys) }
}

async function update(link: Link, keys: readonly PublicKey[]): Promise<boolean> {
  const { connection, settings } = link
  const vouched = whatVouched(link)
  if (vouched === undefined) return false
  const { file, shown, sessionId } = vouched
  if (!keys.some((key) => key.plainBlob.equals(shown.plainBlob))) return false
  const { host, port } = knownAs(settings, settings.hostKey)
  const { entries } = await readKnownHostsFiles([file])
  const plan = planRotation(entries, await entriesNaming(entries, [knownHostsName(host, port)]), keys)
  if (plan === undefined) return false
  if (plan.unproven.length > 0) {
    const reply = await connection.globalRequest(proofRequest, encodeHostKeys(plan.unproven))
    checkProofs(reply, plan.unproven, sessionId)
  }
  return await rotateKnownHost(file, { host, port, offered: keys, proven: plan.unproven })
}

interface Vouched {
  /** The user's own. */
  readonly file: string
  /** The key of the host that stands there. */
  readonly shown: PublicKey
  readonly sessionId: Buffer
}

/** As OpenSSH: what a certificate or the administrator's file vouches for adds nothing to the user's own. */
function whatVouched({ connection, settings, trust }: Link): Vouched | undefined {
  const { update: isWanted, knownHosts } = settings.hostKey
  const [file] = knownHosts
  const { sessionId } = connection
  const shown = trust?.keyOfUserFile
  if (!isWanted || file === undefined || sessionId === undefined || shown === undefined) return undefined
  return { file, shown, sessionId }
}
