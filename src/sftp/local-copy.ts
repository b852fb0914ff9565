import * as fs from 'node:fs'

import { Deferred } from '../liveness/deferred.js'
import type { Attributes } from './attributes.js'
import { LocalFile } from './local-file.js'

/** The file of this machine into which one of the server comes. @param goesOn whether what is there stays */
export function openCopy(target: string, there: Attributes, goesOn: boolean): Promise<LocalFile> {
  return LocalFile.open(target, goesOn ? copyFlags : copyFlags | fs.constants.O_TRUNC, modeFor(there))
}

/** A link in its place would lead whoever made it there to another file of ours; Windows has no flag for that. */
const copyFlags = fs.constants.O_RDWR | fs.constants.O_CREAT | (fs.constants.O_NOFOLLOW ?? 0)

/** The same of a file that comes at once, and what it has: by one promise. @returns the file, still open */
export function makeCopy(target: string, there: Attributes, content: Buffer): Promise<LocalFile> {
  const made = new Deferred<LocalFile>()
  fs.open(target, copyFlags | fs.constants.O_TRUNC, modeFor(there), (error, descriptor) => {
    if (error !== null) made.reject(error)
    else if (content.length === 0) made.resolve(new LocalFile(descriptor))
    else writeAll(descriptor, content, 0, made)
  })
  return made.promise
}

function writeAll(descriptor: number, content: Buffer, from: number, made: Deferred<LocalFile>): void {
  fs.write(descriptor, content, from, content.length - from, from, (error, written) => {
    if (error !== null) fs.close(descriptor, () => made.reject(error))
    else if (from + written < content.length) writeAll(descriptor, content, from + written, made)
    else made.resolve(new LocalFile(descriptor))
  })
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
