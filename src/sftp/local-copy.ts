import { constants } from 'node:fs'
import type { Attributes } from './attributes.js'
import { LocalFile } from './local-file.js'

/** The file of this machine into which one of the server comes. @param goesOn whether what is there stays */
export function openCopy(target: string, there: Attributes, goesOn: boolean): Promise<LocalFile> {
  const { O_RDWR, O_CREAT, O_TRUNC } = constants
  // A link in its place would lead whoever made it there to another file of ours; Windows has no flag for that.
  const flags = O_RDWR | O_CREAT | (constants.O_NOFOLLOW ?? 0) | (goesOn ? 0 : O_TRUNC)
  return LocalFile.open(target, flags, modeFor(there))
}

/** Who may not read or write it there is not to do so here either, and not while it comes. */
function modeFor({ mode = 0o666 }: Attributes): number {
  return 0o600 | (mode & 0o066)
}

/** The server does not get to make a program that runs as its owner. A device, /dev/null say, is no copy of it. */
export async function preserve(local: LocalFile, { mode, times }: Attributes): Promise<void> {
  const stats = await local.stat()
  if (!stats.isFile()) return
  if (mode !== undefined && (stats.mode & 0o7777) !== (mode & 0o777)) await local.chmod(mode & 0o777)
  if (times !== undefined) await local.utimes(times.atime, times.mtime)
}
