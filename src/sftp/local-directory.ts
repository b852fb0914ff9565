import type { Dirent } from 'node:fs'
import { lstat, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'

/**
 * Makes a directory of this machine, below one that is sure to be one. A link in its place would lead out of the tree.
 * @returns whether it was missing. @throws EEXIST where something else is there
 */
export async function makeLocalDirectory(directory: string): Promise<boolean> {
  try {
    await mkdir(directory)
    return true
  } catch (error) {
    if (!isThere(error) || !(await lstat(directory)).isDirectory()) throw error
    return false
  }
}

/** What is in a directory of this machine, under the names that the system has, which need not be text. */
export function localEntries(directory: string): Promise<Dirent<Buffer>[]> {
  // Where the system does not say of what kind an entry is, Node joins both, and refuses text with bytes.
  return readdir(Buffer.from(path.toNamespacedPath(directory)), { withFileTypes: true, encoding: 'buffer' })
}

/** Windows reads more out of a name than that it has no `/`. */
export function isLocalName(name: string): boolean {
  return process.platform !== 'win32' || !/[\\:]/.test(name)
}

export function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
