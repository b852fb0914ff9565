import { readlink, realpath } from 'node:fs/promises'
import path from 'node:path'

/** More is a loop, to Linux too. */
const maxLinks = 40

/**
 * Where a path of this machine leads through the links at its end, as `cp` and `sftp` write to a path that somebody names:
 * also to where nothing is yet. Within a tree nothing is followed.
 */
export async function throughLinks(local: string): Promise<string> {
  let place = local
  for (let count = 0; count < maxLinks; count++) {
    const target = await readlink(place).catch(() => undefined)
    if (target === undefined) return place
    place = path.resolve(await realpath(path.dirname(place)), target)
  }
  return local
}
