import { LocalFile } from './local-file.js'
import { LocalSmallRead } from './local-small-read.js'
import { openFlag } from './numbers.js'
import { modeToMake, preserved } from './preserved.js'
import { RemoteSmallWrite } from './remote-small-write.js'
import type { Pair, Transfer } from './transfer.js'

/** Whether a file was made there over an earlier connection: one that was lost before it answered OPEN may have done so. */
export type Made = 'no' | 'maybe' | 'yes'

/** What is left of a file that goes the way of all others. */
export interface Rest {
  /** Where it is open already. */
  readonly local?: LocalFile
  readonly made: Made
}

/**
 * Sends a small file that is neither gone on with nor placed atomically, in the fewest steps, once it was read.
 * @returns undefined where it is there; else it is not small, changed while it was read, or its connection was lost
 */
export async function putSmallFile(transfer: Transfer, pair: Pair): Promise<Rest | undefined> {
  const { settings, signal, origin, smallSession: session, smallMemory } = transfer
  if (session === undefined || settings.resume || settings.atomic) return { made: 'no' }
  const source = await new LocalSmallRead(smallMemory).run(pair.local)
  if (source instanceof LocalFile) return { local: source, made: 'no' }
  const { bytes, stats, closed } = source
  const flags = openFlag.WRITE | openFlag.CREAT | openFlag.TRUNC
  const attributes = settings.preserve ? preserved(stats) : undefined
  const mode = modeToMake(stats, settings)
  const write = new RemoteSmallWrite(session, pair.remote, { flags, mode, bytes, attributes, signal, origin })
  try {
    if (bytes.length > session.sizes.write) return { made: 'no' }
    await write.run()
  } catch (error) {
    if (!transfer.isLost(session)) throw error
    return { made: write.isOpened ? 'yes' : 'maybe' }
  } finally {
    smallMemory.giveBack(bytes)
    await closed
  }
  const { length } = bytes
  if (length > 0) transfer.progress(pair, length, length, length)
  transfer.fileDone()
  return undefined
}
