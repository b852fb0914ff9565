import type { Attributes } from './attributes.js'
import { reading } from './closing.js'
import { openCopy, preserve } from './local-copy.js'
import { openFlag } from './numbers.js'
import { RemoteFile } from './remote-file.js'
import { smallBytes } from './small.js'
import type { Stats } from './stats.js'
import type { Pair, Transfer } from './transfer.js'

interface Fetched {
  readonly bytes: Buffer
  readonly attributes: Attributes
}

/**
 * Fetches a small file into one that is not to be gone on with, in the fewest steps: it comes whole by one READ, and nothing
 * is made here before that.
 * @returns false where it is not as the server said before; then nothing was done
 */
export async function getSmallFile(transfer: Transfer, pair: Pair, target: string): Promise<boolean> {
  const { known } = pair
  if (known === undefined || !(known.size <= smallBytes)) return false
  const fetched = await transfer.again(() => fetchWhole(transfer, pair, known))
  if (fetched === undefined) return false
  await save(transfer, target, fetched)
  const { length } = fetched.bytes
  if (length > 0) transfer.progress(pair, length, length, length)
  return true
}

async function fetchWhole(
  { session, signal, origin }: Transfer,
  { remote: path }: Pair,
  known: Stats,
): Promise<Fetched | undefined> {
  const remote = await RemoteFile.open(session, path, { flags: openFlag.READ, mode: 0, signal, origin })
  return reading(remote, async () => {
    if (known.size >= remote.maxRead) return undefined
    // One byte more than it is said to have, so that what has grown since is seen to go on.
    const [bytes = nothing, attributes] = await Promise.all([
      remote.readAt(0, known.size + 1, signal),
      remote.attributes(signal),
    ])
    return bytes.length === known.size && isSame(known, attributes) ? { bytes, attributes } : undefined
  })
}

/** Where the server does not say, nobody knows. */
function isSame(known: Stats, { size, times }: Attributes): boolean {
  return size !== undefined && Number(size) === known.size && times?.mtime === known.mtimeMs / 1000
}

async function save({ settings }: Transfer, target: string, { bytes, attributes }: Fetched): Promise<void> {
  const local = await openCopy(target, attributes, false)
  try {
    if (bytes.length > 0) await local.write(bytes, 0)
    if (settings.preserve) await preserve(local, attributes)
    if (settings.atomic) await local.sync()
  } finally {
    await local.close()
  }
}

const nothing = Buffer.alloc(0)
