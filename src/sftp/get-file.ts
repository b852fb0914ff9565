import type { Stats } from 'node:fs'
import { lstat, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Attributes } from './attributes.js'
import { reading } from './closing.js'
import { getSmallFile } from './get-small.js'
import { openCopy, preserve } from './local-copy.js'
import type { LocalFile } from './local-file.js'
import { openFlag } from './numbers.js'
import { throughPart } from './part-name.js'
import { type ReadRange, readTogether } from './read-ahead.js'
import { RemoteFile } from './remote-file.js'
import { resumeOffset } from './resume.js'
import { changedError, type Pair, type Transfer } from './transfer.js'

/**
 * Fetches one file.
 * @throws HoldfastError ERR_SSH_SFTP_CHANGED when it changed meanwhile; SftpError; what the local system refuses
 */
export async function getFile(transfer: Transfer, pair: Pair): Promise<void> {
  const { settings } = transfer
  const there = settings.resume ? await localFile(pair.local) : undefined
  if (pair.known !== undefined && transfer.isDone(pair, pair.known, there)) return
  if (settings.atomic) await getAtomically(transfer, pair)
  else await fetchTo(transfer, pair, pair.local, there === undefined)
  transfer.fileDone()
}

/** Into one file of this machine, over as many connections as it takes. @param isAnew whether nothing is there to be gone on with */
async function fetchTo(transfer: Transfer, pair: Pair, target: string, isAnew: boolean): Promise<void> {
  if (isAnew && (await getSmallFile(transfer, pair, target))) return
  const { session, settings, signal, origin } = transfer
  const progress: Progress = { goesOn: settings.resume, isFirst: true, before: undefined }
  await transfer.again(async () => {
    const remote = await RemoteFile.open(session, pair.remote, { flags: openFlag.READ, mode: 0, signal, origin })
    await reading(remote, () => fetch(transfer, pair, { remote, target, progress }))
  })
}

/** How far one file is, over the connections that it takes. */
interface Progress {
  /** Whether what is there is to be gone on with, and not emptied: also what was there before, if that is asked for. */
  goesOn: boolean
  isFirst: boolean
  /** What the server said of it at first. */
  before: Attributes | undefined
}

interface Fetch {
  readonly remote: RemoteFile
  readonly target: string
  readonly progress: Progress
}

async function localFile(local: string): Promise<Stats | undefined> {
  const stats = await lstat(local).catch(() => undefined)
  return stats?.isFile() === true ? stats : undefined
}

function getAtomically(transfer: Transfer, pair: Pair): Promise<void> {
  const directory = path.dirname(path.resolve(pair.local))
  const at = (part: Buffer) => path.join(directory, part.toString())
  const options = {
    name: Buffer.from(path.basename(pair.local)),
    source: `${transfer.session.host}:${pair.remote.toString('latin1')}`,
    place: directory,
    resume: transfer.settings.resume,
  }
  return throughPart(options, {
    write: (part) => fetchTo(transfer, pair, at(part), !options.resume),
    place: (part) => rename(at(part), pair.local),
    remove: (part) => rm(at(part), { force: true }).catch(() => {}),
  })
}

async function fetch(transfer: Transfer, pair: Pair, { remote, target, progress }: Fetch): Promise<void> {
  const { settings, signal } = transfer
  const now = remote.attributes(signal)
  const fromStart = progress.goesOn ? undefined : readOn(remote, { start: 0, known: pair.known?.size, signal })
  const before = (progress.before ??= await now)
  await now
  const local = await openCopy(target, before, progress.goesOn)
  try {
    const offset = progress.goesOn ? await offsetOf(transfer, remote, local, before) : 0
    if (progress.isFirst) transfer.resumed(offset)
    Object.assign(progress, { goesOn: true, isFirst: false })
    const pieces = fromStart ?? readOn(remote, { start: offset, known: Number(before.size ?? 0n), signal })
    const { end, after } = await copy(transfer, pair, { remote, pieces, local, offset, before })
    // More than it is said to have is no sign of a change: what a kernel makes up, in /proc say, has a size of 0.
    if (!isSame(before, after) || Number(before.size ?? 0n) > end) {
      // A mix of two versions must not be gone on with.
      await local.truncate(0)
      throw changedError(remote.path)
    }
    if (settings.preserve) await preserve(local, before)
    if (settings.atomic) await local.sync()
  } finally {
    await local.close()
  }
}

async function offsetOf(
  transfer: Transfer,
  remote: RemoteFile,
  local: LocalFile,
  { size = 0n }: Attributes,
): Promise<number> {
  const there = (await local.stat()).size
  const truncate = (length: number) => local.truncate(length)
  return resumeOffset(transfer, { remote, local, size: Number(size), there, truncate })
}

interface Ends {
  readonly remote: RemoteFile
  readonly pieces: AsyncGenerator<readonly Buffer[]>
  readonly local: LocalFile
  readonly offset: number
  readonly before: Attributes
}

/** @returns where it ended, and what the server said of it after that */
async function copy(
  transfer: Transfer,
  pair: Pair,
  { remote, pieces, local, offset, before }: Ends,
): Promise<{ readonly end: number; readonly after: Attributes }> {
  const { signal } = transfer
  const size = before.size === undefined ? Number.NaN : Number(before.size)
  let at = offset
  // What has no size, or goes on behind it, is looked at again whenever twice as much has come: in /proc all does.
  let looksBehind = Number(before.size ?? 0n)
  let asked: Promise<Attributes> | undefined
  for await (const some of pieces) {
    await local.writeTogether(some, at)
    for (const bytes of some) {
      const { length } = bytes
      remote.giveBack(bytes)
      at += length
      transfer.progress(pair, length, at, size)
    }
    // Behind the request that is to find the end there.
    asked = at === size ? remote.attributes(signal) : undefined
    asked?.catch(() => {})
    // Of a file that others write to nothing is kept, and one that grows as fast as it comes has no end.
    if (at <= looksBehind) continue
    const now = await remote.attributes(signal)
    if (!isSame(before, now)) return { end: at, after: now }
    looksBehind = 2 * at
  }
  return { end: at, after: await (asked ?? remote.attributes(signal)) }
}

function readOn(remote: RemoteFile, range: Omit<ReadRange, 'end'>): AsyncGenerator<readonly Buffer[]> {
  return readTogether(remote, { ...range, end: Number.MAX_SAFE_INTEGER })
}

function isSame(before: Attributes, after: Attributes): boolean {
  return before.size === after.size && before.times?.mtime === after.times?.mtime
}
