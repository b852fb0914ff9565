import type { Attributes } from './attributes.js'
import { makeCopy, preserve } from './local-copy.js'
import { type RemoteContent, RemoteSmallRead } from './remote-small-read.js'
import type { SftpSession } from './sftp-session.js'
import { smallBytes } from './small.js'
import type { Stats } from './stats.js'
import type { Pair, Transfer } from './transfer.js'

/**
 * Fetches a small file into one that is not to be gone on with, in the fewest steps: it comes whole by one READ, and nothing
 * is made here before that.
 * @returns false where it is not as the server said before, or its connection was lost; then nothing was done
 */
export async function getSmallFile(transfer: Transfer, pair: Pair, target: string): Promise<boolean> {
  const { smallSession: session } = transfer
  const { known } = pair
  if (session === undefined || known === undefined || !(known.size <= smallBytes)) return false
  if (known.size >= session.sizes.read) return false
  const fetched = await fetchWhole(transfer, session, pair, known)
  if (fetched === undefined) return false
  const { bytes = nothing, attributes } = fetched
  if (bytes.length !== known.size || !isSame(known, attributes)) return false
  await save(transfer, target, bytes, attributes)
  session.giveBack(bytes)
  const { length } = bytes
  if (length > 0) transfer.progress(pair, length, length, length)
  return true
}

/** One byte more than it is said to have, so that what has grown since is seen to go on. @returns undefined where the connection was lost */
async function fetchWhole(
  transfer: Transfer,
  session: SftpSession,
  { remote }: Pair,
  { size }: Stats,
): Promise<RemoteContent | undefined> {
  const { signal, origin } = transfer
  try {
    return await new RemoteSmallRead(session, remote, { length: size + 1, signal, origin }).run()
  } catch (error) {
    if (!transfer.isLost(session)) throw error
    return undefined
  }
}

/** Where the server does not say, nobody knows. */
function isSame(known: Stats, { size, times }: Attributes): boolean {
  return size !== undefined && Number(size) === known.size && times?.mtime === known.mtimeMs / 1000
}

async function save({ settings }: Transfer, target: string, bytes: Buffer, attributes: Attributes): Promise<void> {
  const local = await makeCopy(target, attributes, bytes)
  try {
    if (settings.preserve) await preserve(local, attributes)
    if (settings.atomic) await local.sync()
  } finally {
    await local.close()
  }
}

const nothing = Buffer.alloc(0)
