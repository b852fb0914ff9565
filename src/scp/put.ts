import { isUtf8 } from 'node:buffer'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import path from 'node:path'
import { optionError } from '../session/option-error.js'
import { localEntries } from '../sftp/local-directory.js'
import { isSame } from '../sftp/local-file.js'
import { changedError } from '../sftp/transfer.js'
import type { Conversation } from './conversation.js'
import type { ScpPair, Tally } from './tally.js'

/** Measured on loopback: pieces of 32 KiB, each of which is waited for, go at a third of the speed. */
const pieceBytes = 256 * 1024

/** Sends a file. @param name what it is to be called there. @throws ScpError; HoldfastError ERR_SSH_SCP_CHANGED */
export async function putFile(scp: Conversation, tally: Tally, pair: ScpPair, name: string): Promise<void> {
  // Without NONBLOCK, opening a FIFO that took the file's place would wait for its writer.
  const file = await open(pair.local, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const before = await file.stat()
    if (!before.isFile()) throw optionError('local', `'${pair.local}' is no file`)
    const { size } = before
    if (size === 0) await checkEmpty(pair.local, file)
    await tellTimes(scp, tally, before)
    const { mode = before.mode } = tally.settings
    await scp.tell({ type: 'file', mode, size, name: Buffer.from(name) }, `the answer to the file '${pair.remote}'`)
    await sendContents(scp, tally, pair, { file, size })
    if (!isSame(before, await file.stat())) throw changedError(pair.local, 'ERR_SSH_SCP_CHANGED')
    await scp.agree()
    await scp.answer(`the answer to the contents of '${pair.remote}'`)
    tally.fileDone()
  } finally {
    await file.close()
  }
}

/** @throws HoldfastError ERR_SSH_OPTION for what a kernel makes up as it is read, in /proc say */
async function checkEmpty(local: string, file: FileHandle): Promise<void> {
  const { bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0)
  if (bytesRead === 0) return
  throw optionError('local', `'${local}' has a size of 0 and something in it, and scp has to be told how much comes`)
}

async function sendContents(
  scp: Conversation,
  tally: Tally,
  pair: ScpPair,
  { file, size }: { readonly file: FileHandle; readonly size: number },
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(1, size)))
  const what = `that scp reads the contents of '${pair.remote}'`
  for (let offset = 0; offset < size; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - offset), offset)
    // It was told how much comes, and would wait for the rest.
    if (bytesRead === 0) throw changedError(pair.local, 'ERR_SSH_SCP_CHANGED')
    await scp.send(buffer.subarray(0, bytesRead), what)
    offset += bytesRead
    tally.progress(pair, bytesRead, offset, size)
  }
}

/** Sends a directory, with what is in it. @param name what it is to be called there */
export async function putDirectory(scp: Conversation, tally: Tally, pair: ScpPair, name: string): Promise<void> {
  const stats = await stat(pair.local)
  await tellTimes(scp, tally, stats)
  const record = { type: 'directory', mode: stats.mode, name: Buffer.from(name) } as const
  await scp.tell(record, `the answer to the directory '${pair.remote}'`)
  await putEntries(scp, tally, pair)
  await scp.tell({ type: 'end' }, `the answer to the end of the directory '${pair.remote}'`)
  tally.directoryDone()
}

/** Sends what is in a directory into the one that the other side is in. Links are not followed, and SCP has none. */
export async function putEntries(scp: Conversation, tally: Tally, { local, remote }: ScpPair): Promise<void> {
  for (const entry of await localEntries(local)) {
    const name = entry.name.toString()
    const pair = { local: path.join(local, name), remote: `${remote.replace(/\/$/, '')}/${name}` }
    if (!isUtf8(entry.name)) tally.skip(pair.local, 'its name is not UTF-8')
    else if (name.includes('\n')) tally.skip(pair.local, 'its name has a line break, which SCP cannot carry')
    else if (entry.isFile()) await putFile(scp, tally, pair, name)
    else if (entry.isDirectory()) await putDirectory(scp, tally, pair, name)
    else if (entry.isSymbolicLink()) tally.skip(pair.local, 'it is a link, which SCP cannot carry')
    else tally.skip(pair.local, 'it is neither file nor directory')
  }
}

async function tellTimes(scp: Conversation, { settings }: Tally, { atimeMs, mtimeMs }: Stats): Promise<void> {
  if (!settings.preserve) return
  const [atime, mtime] = [atimeMs, mtimeMs].map((ms) => Math.max(0, Math.floor(ms / 1000)))
  await scp.tell({ type: 'times', atime: atime ?? 0, mtime: mtime ?? 0 }, 'the answer to the times of a file')
}
