import { constants, type Stats as LocalStats } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { optionError } from '../session/option-error.js'
import type { Attributes } from './attributes.js'
import { closingBehind, orLetGo } from './closing.js'
import { isSame, LocalFile } from './local-file.js'
import { openFlag } from './numbers.js'
import { throughPart } from './part-name.js'
import { PathCalls } from './path-calls.js'
import { modeToMake, ownerAccess, permissionBits, preserved } from './preserved.js'
import { type Made, putSmallFile } from './put-small.js'
import { RemoteFile } from './remote-file.js'
import { resumeOffset } from './resume.js'
import { SftpError } from './sftp-error.js'
import type { SftpSessions } from './sftp-sessions.js'
import { smallBytes } from './small.js'
import { changedError, type Pair, type Transfer } from './transfer.js'
import { baseOf, directoryOf, isCode, joinPath, remove } from './trees.js'
import { WriteBehind } from './write-behind.js'

/**
 * Sends one file.
 * @throws HoldfastError ERR_SSH_SFTP_CHANGED when it changed meanwhile; SftpError; what the local system refuses
 */
export async function putFile(transfer: Transfer, pair: Pair): Promise<void> {
  const rest = await putSmallFile(transfer, pair)
  if (rest === undefined) return
  // Without NONBLOCK, opening a FIFO that took the file's place would wait for its writer.
  const local = rest.local ?? (await LocalFile.open(pair.local, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)))
  try {
    const before = await local.stat()
    if (!before.isFile()) throw optionError('local', `'${pair.local}' is no file`)
    if (transfer.isDone(pair, before, pair.known)) return
    if (transfer.settings.atomic) await putAtomically(transfer, pair, local, before)
    else await sendTo(transfer, pair, pair.remote, { local, before, made: rest.made })
    transfer.fileDone()
  } finally {
    await local.close()
  }
}

function putAtomically(transfer: Transfer, pair: Pair, local: LocalFile, before: LocalStats): Promise<void> {
  const { session, settings } = transfer
  const directory = directoryOf(pair.remote)
  const at = (part: Buffer) => (directory === undefined ? part : joinPath(directory, part))
  const options = {
    name: baseOf(pair.remote),
    source: `${hostname()}:${path.resolve(pair.local)}`,
    place: `${session.host}:${directory?.toString('latin1') ?? ''}`,
    resume: settings.resume,
  }
  return throughPart(options, {
    write: (part) => sendTo(transfer, pair, at(part), { local, before, made: 'no' }),
    place: (part) => place(transfer, at(part), pair.remote, before),
    remove: (part, failure) => removePart(session, at(part), failure),
  })
}

/**
 * Behind what was written, of which megabytes may be under way: a session that is closed before it was answered would take
 * the request with it. A server that was found to answer nothing is not waited for again.
 */
async function removePart(session: SftpSessions, part: Buffer, failure: unknown): Promise<void> {
  const removed = remove(session, part, undefined).catch(() => {})
  // Of the other files of a tree, that is why they were given up.
  const reasons = failure instanceof Error ? [failure, failure.cause] : []
  if (!reasons.some((reason) => isCode(reason, 'ERR_SSH_TIMEOUT')))
    await session.untilDone(removed, 'the answer to the removal of a part')
}

/** A lost connection leaves it unknown whether it was renamed; where the part is gone, either it was, or somebody removed it. */
async function place(transfer: Transfer, part: Buffer, target: Buffer, before: LocalStats): Promise<void> {
  let attempts = 0
  await transfer.again(async () => {
    attempts++
    try {
      await new PathCalls(transfer.session).rename(part, target, transfer.signal)
    } catch (error) {
      if (attempts === 1 || !isCode(error, 'ENOENT') || !(await isPlaced(transfer, target, before))) throw error
    }
  })
}

/** Whether the target is what was sent, as far as the server says. */
async function isPlaced({ session, settings, signal }: Transfer, target: Buffer, before: LocalStats): Promise<boolean> {
  const { size, times } = await new PathCalls(session).attributes('lstat', target, signal)
  if (size !== undefined && Number(size) !== before.size) return false
  return !settings.preserve || times === undefined || times.mtime === Math.floor(before.mtimeMs / 1000)
}

interface Source {
  readonly local: LocalFile
  readonly before: LocalStats
  readonly made: Made
}

/** How far one file is, over the connections that it takes. */
interface Progress {
  /** Whether what is there is to be gone on with, and not emptied: also what was there before, if that is asked for. */
  goesOn: boolean
  made: Made
  /** What it is given back in the end: its permissions, which did not let it be gone on with. */
  permissions: number | undefined
}

/** Into one file of the server, over as many connections as it takes. */
async function sendTo(transfer: Transfer, pair: Pair, target: Buffer, { made, ...source }: Source): Promise<void> {
  const progress = { goesOn: transfer.settings.resume, made, permissions: undefined }
  await transfer.again(() => send(transfer, pair, target, { ...source, progress }))
}

async function send(
  transfer: Transfer,
  pair: Pair,
  target: Buffer,
  { local, before, progress }: Omit<Source, 'made'> & { readonly progress: Progress },
): Promise<void> {
  const { settings, signal } = transfer
  const { READ, WRITE, CREAT, TRUNC } = openFlag
  const { goesOn } = progress
  const reads = goesOn && settings.verify !== 'none'
  const flags = WRITE | CREAT | (goesOn ? 0 : TRUNC) | (reads ? READ : 0)
  const remote = await openTarget(transfer, target, { flags, before, progress })
  // What is there from now on is ours, or was found to be the beginning of it.
  progress.goesOn = true
  const written = sendContent(transfer, pair, { remote, local, before, progress, goesOn })
  const steps = [await orLetGo(remote, written), ...lastSteps(transfer, remote, before, progress)]
  await closingBehind(remote, steps, signal)
}

interface Sending extends Omit<Source, 'made'> {
  readonly remote: RemoteFile
  readonly progress: Progress
  /** Whether something was there before. */
  readonly goesOn: boolean
}

/** @returns what waits until all of it was answered. @throws HoldfastError ERR_SSH_SFTP_CHANGED */
async function sendContent(
  transfer: Transfer,
  pair: Pair,
  { remote, local, before, progress, goesOn }: Sending,
): Promise<() => Promise<void>> {
  const { signal } = transfer
  const offset = goesOn ? await offsetOf(transfer, remote, local, before) : 0
  if (progress.made !== 'yes') transfer.resumed(offset)
  progress.made = 'yes'
  const writer = new WriteBehind(remote, { offset, signal })
  await copy(transfer, pair, { local, writer, before })
  if (isSame(before, await local.stat())) return () => writer.flush()
  // A mix of two versions must not be gone on with.
  await writer.flush()
  await remote.setAttributes('ftruncate', { size: 0n }, signal)
  throw changedError(pair.local)
}

/** What is asked for once the content is there. */
function lastSteps(
  { session, settings, signal }: Transfer,
  remote: RemoteFile,
  before: LocalStats,
  { permissions }: Progress,
): (() => Promise<void>)[] {
  const steps: (() => Promise<void>)[] = []
  if (settings.preserve) steps.push(() => remote.setAttributes('fsetstat', preserved(before), signal))
  else if (permissions !== undefined) steps.push(() => remote.setAttributes('fchmod', { mode: permissions }, signal))
  if (settings.atomic && session.has('fsync')) steps.push(() => remote.sync(signal))
  return steps
}

interface Opening {
  readonly flags: number
  readonly before: LocalStats
  readonly progress: Progress
}

function openTarget(transfer: Transfer, target: Buffer, { flags, before, progress }: Opening): Promise<RemoteFile> {
  const { session, settings, signal, origin } = transfer
  const opened = { flags, mode: modeToMake(before, settings) }
  if (progress.made !== 'no') return openAgain(transfer, target, { opened, progress })
  progress.made = 'maybe'
  return RemoteFile.open(session, target, { ...opened, signal, origin })
}

interface Reopening {
  readonly opened: { readonly flags: number; readonly mode: number }
  readonly progress: Progress
}

/** Where a connection was lost, it may have its own permissions already, which may not let us open it. */
async function openAgain(
  { session, signal, origin }: Transfer,
  target: Buffer,
  { opened, progress }: Reopening,
): Promise<RemoteFile> {
  const attempt = () => RemoteFile.open(session, target, { ...opened, signal, origin })
  try {
    return await attempt()
  } catch (error) {
    if (!isCode(error, 'EACCES')) throw error
    const calls = new PathCalls(session)
    // What the server refuses from here on says less of why than what it refused first.
    const refused = (later: unknown): never => {
      throw later instanceof SftpError ? error : later
    }
    const { mode = opened.mode, size } = await calls.attributes('stat', target, signal).catch(refused)
    // Who made read-only what was there before meant it.
    if (progress.made === 'maybe' && !isAsMade({ mode, size }, opened.mode)) throw error
    progress.permissions ??= mode & permissionBits
    await calls.setAttributes('chmod', target, { mode: (mode & permissionBits) | ownerAccess }, signal).catch(refused)
    return await attempt()
  }
}

/** Whether a file to which nobody may write can be what OPEN made, with nothing written to it yet. @param made the mode that it asked for */
function isAsMade({ mode = 0, size }: Attributes, made: number): boolean {
  const isWritable = (made & ownerAccess) === ownerAccess
  return size === 0n && !isWritable && (mode & permissionBits & ~made) === 0
}

async function offsetOf(
  transfer: Transfer,
  remote: RemoteFile,
  local: LocalFile,
  { size }: LocalStats,
): Promise<number> {
  const { signal } = transfer
  // A server that does not say how much is there may have more than we send.
  const { size: said } = await remote.attributes(signal)
  const there = said === undefined ? Number.POSITIVE_INFINITY : Number(said)
  const truncate = (length: number) => remote.setAttributes('ftruncate', { size: BigInt(length) }, signal)
  return resumeOffset(transfer, { remote, local, size, there, truncate })
}

interface Ends {
  readonly local: LocalFile
  readonly writer: WriteBehind
  readonly before: LocalStats
}

/** What so many requests carry is read from the local file together: a thread is woken for each call. More only wait their turn here. */
const writesTogether = 2

async function copy(transfer: Transfer, pair: Pair, { local, writer, before }: Ends): Promise<void> {
  const { size } = before
  // What a kernel makes up, in /proc say, has a size of 0, and only its end tells how long it is.
  const goesOn = async () => size === 0 && isSame(before, await local.stat())
  const end = size === 0 ? Number.POSITIVE_INFINITY : size
  const most = size === 0 ? smallBytes : writesTogether * writer.maxWrite
  const buffer = Buffer.allocUnsafe(Math.min(most, Math.max(1, end - writer.offset)))
  while (writer.offset < size || (await goesOn())) {
    const length = Math.min(buffer.length, end - writer.offset)
    const bytesRead = await local.read(buffer.subarray(0, length), writer.offset)
    if (bytesRead === 0) break
    await writer.write(buffer.subarray(0, bytesRead))
    transfer.progress(pair, bytesRead, writer.offset, size)
  }
}
