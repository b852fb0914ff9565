import { leastUnderWay } from './flow.js'
import type { LocalFile } from './local-file.js'
import { readAhead } from './read-ahead.js'
import type { RemoteFile } from './remote-file.js'
import type { Transfer } from './transfer.js'

/**
 * How much of the end of what is there is compared: all that was under way when a transfer broke off. Of that a server may
 * have written what came later and not what came before, which leaves a hole.
 */
const tailBytes = leastUnderWay

interface Sides {
  readonly remote: RemoteFile
  readonly local: LocalFile
  /** Bytes that the source has, and that the target has of them. */
  readonly size: number
  readonly there: number
  /** Cuts the target. */
  truncate(length: number): Promise<void>
}

/** Where to go on: behind what is there, if that is what the source has, or at the beginning; what is not is cut off. */
export async function resumeOffset(transfer: Transfer, sides: Sides): Promise<number> {
  const offset = (await isBeginning(transfer, sides)) ? sides.there : 0
  if (offset < sides.there) await sides.truncate(offset)
  return offset
}

async function isBeginning({ settings, signal }: Transfer, { remote, local, size, there }: Sides): Promise<boolean> {
  const { verify } = settings
  if (there > size || verify === 'none') return there <= size
  const start = verify === 'full' ? 0 : Math.max(0, there - tailBytes)
  return areSame(remote, local, { start, end: there, signal })
}

async function areSame(
  remote: RemoteFile,
  local: LocalFile,
  range: { readonly start: number; readonly end: number; readonly signal: AbortSignal },
): Promise<boolean> {
  let offset = range.start
  for await (const bytes of readAhead(remote, range)) {
    if (!bytes.equals(await local.fill(Buffer.allocUnsafe(bytes.length), offset))) return false
    offset += bytes.length
  }
  return offset === range.end
}
