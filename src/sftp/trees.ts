import { HoldfastError } from '../errors.js'
import { Dir } from './directory.js'
import { attributes, done } from './results.js'
import type { Room } from './room.js'
import { SftpError } from './sftp-error.js'
import type { SftpSessions } from './sftp-sessions.js'
import { Stats } from './stats.js'

/** How many files are removed at a time. */
const atOnce = 64
const slash = '/'.charCodeAt(0)

/** Makes a directory and those above it that are missing. @returns the first that was made. @throws SftpError */
export async function makeTree(
  session: SftpSessions,
  path: Buffer,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  try {
    return await makeMissing(session, path, mode, signal)
  } catch (error) {
    const parent = parentOf(path)
    if (!isCode(error, 'ENOENT') || parent === undefined) throw error
    const first = await makeTree(session, parent, mode, signal)
    const made = await makeMissing(session, path, mode, signal)
    return first ?? made
  }
}

/** @returns its path, or undefined where it was there already, for which SFTP 3 has no status */
async function makeMissing(
  session: SftpSessions,
  path: Buffer,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  try {
    await makeDirectory(session, path, mode, signal)
    return path
  } catch (error) {
    if (isCode(error, 'ERR_SSH_SFTP_FAILURE') && (await isDirectory(session, path, signal))) return undefined
    throw error
  }
}

export function makeDirectory(
  session: SftpSessions,
  path: Buffer,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const what = { syscall: 'mkdir', path: path.toString() }
  const request = { type: 'MKDIR', path, attributes: { mode } } as const
  return session.call({ what, request, result: done(what) }, { signal })
}

/** Removes a file, or a directory with all that is in it; links are removed, not followed. @throws SftpError */
export async function removeTree(
  session: SftpSessions,
  path: Buffer,
  signal: AbortSignal | undefined,
  room: Room,
): Promise<void> {
  if ((await lstat(session, path, signal)).isDirectory()) await removeDirectory(session, path, signal, room)
  else await remove(session, path, signal)
}

async function removeDirectory(
  session: SftpSessions,
  path: Buffer,
  signal: AbortSignal | undefined,
  room: Room,
): Promise<void> {
  room.takeEntry(path)
  // All of it before anything is removed: what a directory yields while it changes is nobody's promise.
  const entries = await Dir.all(session, path, signal, room)
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => joinPath(path, entry.nameBytes))
  const directories = entries.filter((entry) => entry.isDirectory()).map((entry) => joinPath(path, entry.nameBytes))
  while (files.length > 0)
    await Promise.all(files.splice(0, atOnce).map((file) => untilGone(remove(session, file, signal))))
  for (const directory of directories)
    await untilGone(room.during(() => removeDirectory(session, directory, signal, room)))
  await removeEmpty(session, path, signal)
}

/** Somebody else may remove the same: what is in a tree and gone already must not keep the rest of it. */
async function untilGone(removing: Promise<void>): Promise<void> {
  try {
    await removing
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

export function remove(session: SftpSessions, path: Buffer, signal: AbortSignal | undefined): Promise<void> {
  const what = { syscall: 'unlink', path: path.toString() }
  return session.call({ what, request: { type: 'REMOVE', path }, result: done(what) }, { signal })
}

export function removeEmpty(session: SftpSessions, path: Buffer, signal: AbortSignal | undefined): Promise<void> {
  const what = { syscall: 'rmdir', path: path.toString() }
  return session.call({ what, request: { type: 'RMDIR', path }, result: done(what) }, { signal })
}

async function lstat(session: SftpSessions, path: Buffer, signal: AbortSignal | undefined): Promise<Stats> {
  const what = { syscall: 'lstat', path: path.toString() }
  return new Stats(await session.call({ what, request: { type: 'LSTAT', path }, result: attributes(what) }, { signal }))
}

async function isDirectory(session: SftpSessions, path: Buffer, signal: AbortSignal | undefined): Promise<boolean> {
  const what = { syscall: 'stat', path: path.toString() }
  const call = { what, request: { type: 'STAT', path } as const, result: attributes(what) }
  try {
    return new Stats(await session.call(call, { signal })).isDirectory()
  } catch (error) {
    if (error instanceof SftpError) return false
    throw error
  }
}

/** A name in a directory. */
export function joinPath(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat(directory.at(-1) === slash ? [directory, name] : [directory, Buffer.of(slash), name])
}

/** What a path has behind its last `/`. */
export function baseOf(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(slash) + 1)
}

/** What it has in front of that; undefined where it has none. */
export function directoryOf(path: Buffer): Buffer | undefined {
  const at = path.lastIndexOf(slash)
  return at === -1 ? undefined : path.subarray(0, Math.max(1, at))
}

/** Undefined where there is none to be made. */
function parentOf(path: Buffer): Buffer | undefined {
  let end = path.length
  while (end > 0 && path[end - 1] === slash) end--
  const at = path.lastIndexOf(slash, end - 1)
  return at <= 0 || end === 0 ? undefined : path.subarray(0, at)
}

export function isCode(error: unknown, code: HoldfastError['code']): boolean {
  return error instanceof HoldfastError && error.code === code
}
