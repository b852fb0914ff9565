import { opendir, readlink, stat } from 'node:fs/promises'
import path from 'node:path'
import { Dir } from './directory.js'
import { staysInside } from './links.js'
import { PathCalls } from './path-calls.js'
import { putFile } from './put-file.js'
import { SftpError } from './sftp-error.js'
import type { Stats } from './stats.js'
import type { Pair, Transfer } from './transfer.js'
import { isCode, joinPath, makeTree } from './trees.js'

/** A directory on both sides, and how deep it stands in the tree. */
interface Level extends Pair {
  readonly depth: number
}

/** Sends what is in a directory into another, which is made where it is missing. */
export async function putTree(transfer: Transfer, pair: Pair): Promise<void> {
  const made: Level[] = []
  const links: Level[] = []
  const files = walk(transfer, { ...pair, depth: 0 }, made, links)
  await transfer.all(files, (file) => putFile(transfer, file))
  for (const link of links) await putLink(transfer, link)
  // The deepest first, and all after what is in them, which changes their times.
  if (transfer.settings.preserve) for (const directory of made.toReversed()) await keep(transfer, directory)
}

async function* walk(transfer: Transfer, level: Level, made: Level[], links: Level[]): AsyncGenerator<Pair, undefined> {
  const { session, signal } = transfer
  // What we cannot write to in the end we could not fill either.
  const isNew = (await makeTree(session, level.remote, 0o777, signal)) !== undefined
  if (isNew) transfer.directoryMade()
  made.push(level)
  const there = transfer.settings.resume && !isNew ? await list(transfer, level.remote) : undefined
  const directories: Level[] = []
  for await (const entry of await opendir(level.local)) {
    const pair = {
      local: path.join(level.local, entry.name),
      remote: joinPath(level.remote, Buffer.from(entry.name)),
      depth: level.depth,
    }
    const obstacle = transfer.obstacle(entry.name)
    if (obstacle !== undefined) transfer.skip(pair.local, obstacle)
    else if (entry.isFile()) yield { ...pair, known: there?.get(entry.name) }
    else if (entry.isDirectory()) directories.push({ ...pair, depth: level.depth + 1 })
    else if (entry.isSymbolicLink()) links.push(pair)
    else transfer.skip(pair.local, 'it is neither file, directory nor link')
  }
  for (const directory of directories) yield* walk(transfer, directory, made, links)
}

async function list({ session, signal }: Transfer, directory: Buffer): Promise<ReadonlyMap<string, Stats>> {
  const entries = await Dir.all(session, directory, signal)
  return new Map(entries.map(({ name, stats }) => [name, stats]))
}

async function putLink(transfer: Transfer, { local, remote, depth }: Level): Promise<void> {
  const target = (await readlink(local)).replaceAll(path.sep, '/')
  if (!staysInside(target, depth)) {
    transfer.skip(local, 'it is a link that leads out of the tree')
    return
  }
  const calls = new PathCalls(transfer.session)
  try {
    await calls.symlink(Buffer.from(target), remote, transfer.signal)
  } catch (error) {
    // SFTP 3 has no status for what is there already.
    if (!isCode(error, 'ERR_SSH_SFTP_FAILURE') || !(await leadsTo(calls, remote, target, transfer.signal))) throw error
  }
}

async function leadsTo(calls: PathCalls, link: Buffer, target: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await calls.path('readlink', link, signal)).toString() === target
  } catch (error) {
    if (error instanceof SftpError) return false
    throw error
  }
}

async function keep({ session, signal }: Transfer, { local, remote }: Level): Promise<void> {
  const { mode, atimeMs, mtimeMs } = await stat(local)
  const times = { atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) }
  await new PathCalls(session).setAttributes('setstat', remote, { mode: mode & 0o777, times }, signal)
}
