import { lstat, mkdir } from 'node:fs/promises'
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

/** Windows reads more out of a name than that it has no `/`. */
export function isLocalName(name: string): boolean {
  return process.platform !== 'win32' || !/[\\:]/.test(name)
}

export function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
