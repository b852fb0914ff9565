import type { FileSystemData } from './extension-data.js'

/** A file system, as `node:fs` names it, and what OpenSSH says besides. */
export interface FileSystemStats {
  /** Bytes of one of the blocks that the next three count. */
  readonly bsize: number
  readonly blocks: number
  readonly bfree: number
  /** Of these a user who is not root may have so many. */
  readonly bavail: number
  readonly files: number
  readonly ffree: number
  /** Bytes that a name may have. */
  readonly namemax: number
  readonly readOnly: boolean
}

const readOnlyFlag = 1n

export function toFileSystemStats(data: FileSystemData): FileSystemStats {
  return {
    // POSIX counts blocks by the fragment, not by the size that is best for transfers.
    bsize: Number(data.fragmentSize),
    blocks: Number(data.blocks),
    bfree: Number(data.freeBlocks),
    bavail: Number(data.availableBlocks),
    files: Number(data.files),
    ffree: Number(data.freeFiles),
    namemax: Number(data.maxName),
    readOnly: (data.flags & readOnlyFlag) !== 0n,
  }
}
