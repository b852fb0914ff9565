import { lstat, mkdir } from 'node:fs/promises'

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

export function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
