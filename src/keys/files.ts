/** Reading key files: bounded, and never from what could make us wait, like a pipe without a writer. */

import type { FileHandle } from 'node:fs/promises'
import { open, stat } from 'node:fs/promises'

/**
 * Reads a regular file.
 * @returns undefined if there is none
 * @throws the system's error, or an Error that says why it is not read
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  // Before it is opened: opening a named pipe waits for somebody to write to it.
  const { isFile } = await kindOf(path)
  if (isFile === undefined) return undefined
  if (!isFile) throw new Error('it is no regular file')
  const handle = await open(path, 'r')
  try {
    return await readHandle(handle, maxBytes)
  } finally {
    await handle.close()
  }
}

/** Reads an open file from its beginning to where it ended when this was called, though it may be growing. */
export async function readHandle(handle: FileHandle, maxBytes: number): Promise<Buffer> {
  const { size } = await handle.stat()
  if (size > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`)
  const bytes = Buffer.alloc(size)
  let length = 0
  while (length < size) {
    const { bytesRead } = await handle.read(bytes, length, size - length, length)
    // It was cut while it was read.
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

async function kindOf(path: string): Promise<{ isFile: boolean | undefined }> {
  try {
    return { isFile: (await stat(path)).isFile() }
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return { isFile: undefined }
    throw error
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
