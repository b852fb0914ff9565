import { constants, type Stats as LocalStats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { optionError } from '../session/option-error.js'
import { closing } from './closing.js'
import { openFlag } from './numbers.js'
import { PathCalls } from './path-calls.js'
import { RemoteFile } from './remote-file.js'
import { resumeOffset } from './resume.js'
import { changedError, type Pair, partName, type Transfer } from './transfer.js'
import { remove } from './trees.js'
import { WriteBehind } from './write-behind.js'

/**
 * Sends one file.
 * @throws HoldfastError ERR_SSH_SFTP_CHANGED when it changed meanwhile; SftpError; what the local system refuses
 */
export async function putFile(transfer: Transfer, pair: Pair): Promise<void> {
  // Without NONBLOCK, opening a FIFO that took the file's place would wait for its writer.
  const local = await open(pair.local, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const before = await local.stat()
    if (!before.isFile()) throw optionError('local', `'${pair.local}' is no file`)
    if (transfer.isDone(pair, before, pair.known)) return
    if (transfer.settings.atomic) await putAtomically(transfer, pair, local, before)
    else await send(transfer, pair, pair.remote, local, before)
    transfer.fileDone()
  } finally {
    await local.close()
  }
}

async function putAtomically(transfer: Transfer, pair: Pair, local: FileHandle, before: LocalStats): Promise<void> {
  const { session, settings, signal } = transfer
  const part = partName(pair.remote)
  try {
    await send(transfer, pair, part, local, before)
    await new PathCalls(session).rename(part, pair.remote, signal)
  } catch (error) {
    if (!settings.resume) remove(session, part, undefined).catch(() => {})
    throw error
  }
}

async function send(
  transfer: Transfer,
  pair: Pair,
  target: Buffer,
  local: FileHandle,
  before: LocalStats,
): Promise<void> {
  const { session, settings, signal } = transfer
  const { READ, WRITE, CREAT, TRUNC } = openFlag
  const reads = settings.resume && settings.verify !== 'none'
  const flags = WRITE | CREAT | (settings.resume ? 0 : TRUNC) | (reads ? READ : 0)
  const mode = before.mode & 0o777
  const remote = await RemoteFile.open(session, target, { flags, mode, signal })
  await closing(remote, async () => {
    const offset = settings.resume ? await offsetOf(transfer, remote, local, before) : 0
    await copy(transfer, pair, { remote, local, offset, size: before.size })
    if (!isSame(before, await local.stat())) {
      // A mix of two versions must not be gone on with.
      await remote.setAttributes('ftruncate', { size: 0n }, signal)
      throw changedError(pair.local)
    }
    const times = { atime: Math.floor(before.atimeMs / 1000), mtime: Math.floor(before.mtimeMs / 1000) }
    if (settings.preserve) await remote.setAttributes('fsetstat', { mode, times }, signal)
    if (settings.atomic && session.has('fsync')) await remote.sync(signal)
  })
}

/** Where to go on; what is there and is none of ours is cut off. */
async function offsetOf(
  transfer: Transfer,
  remote: RemoteFile,
  local: FileHandle,
  { size }: LocalStats,
): Promise<number> {
  const { settings, signal } = transfer
  // A server that does not say how much is there may have more than we send.
  const { size: said } = await remote.attributes(signal)
  const there = said === undefined ? Number.POSITIVE_INFINITY : Number(said)
  const offset = await resumeOffset({ remote, local, size, there, verify: settings.verify, signal })
  if (offset < there) await remote.setAttributes('ftruncate', { size: BigInt(offset) }, signal)
  transfer.resumed(offset)
  return offset
}

interface Ends {
  readonly remote: RemoteFile
  readonly local: FileHandle
  readonly offset: number
  readonly size: number
}

async function copy(transfer: Transfer, pair: Pair, { remote, local, offset, size }: Ends): Promise<void> {
  const writer = new WriteBehind(remote, { offset, signal: transfer.signal })
  const buffer = Buffer.allocUnsafe(Math.min(remote.maxWrite, Math.max(1, size - offset)))
  while (writer.offset < size) {
    const length = Math.min(buffer.length, size - writer.offset)
    const { bytesRead } = await local.read(buffer, 0, length, writer.offset)
    if (bytesRead === 0) break
    await writer.write(buffer.subarray(0, bytesRead))
    transfer.progress(pair, bytesRead, writer.offset, size)
  }
  await writer.flush()
}

/** Whether nobody wrote to it. A file that is as old as the transfer may change within the same tick of its clock. */
function isSame(before: LocalStats, after: LocalStats): boolean {
  return before.size === after.size && before.mtimeMs === after.mtimeMs && before.ctimeMs === after.ctimeMs
}
