import type { Stats } from 'node:fs'
import type { Attributes } from './attributes.js'
import type { TransferSettings } from './transfer-options.js'

/** Without set-user-ID and the like, which nothing here gives to a file. */
export const permissionBits = 0o777
export const ownerAccess = 0o600

/** What a copy on the server gets of its source. */
export function preserved({ mode, atimeMs, mtimeMs }: Stats): Attributes {
  return {
    mode: mode & permissionBits,
    times: { atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) },
  }
}

/** What it is made with. Who may not even write to it in the end has to be able to go on with it until then. */
export function modeToMake({ mode }: Stats, { preserve }: TransferSettings): number {
  return preserve ? (mode & permissionBits) | ownerAccess : mode & permissionBits
}
