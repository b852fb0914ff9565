import { readlink, stat } from 'node:fs/promises'
import path from 'node:path'
import { Dir } from './directory.js'
import { linkObstacle } from './links.js'
import { localEntries } from './local-directory.js'
import { PathCalls } from './path-calls.js'
import { putFile } from './put-file.js'
import { SftpError } from './sftp-error.js'
import type { Stats } from './stats.js'
import type { Pair, Transfer } from './transfer.js'
import { kindOf, type Level, type TreeEntry, transferTree } from './tree.js'
import { isCode, joinPath, makeTree } from './trees.js'

/** Sends what is in a directory into another, which is made where it is missing. */
export function putTree(transfer: Transfer, pair: Pair): Promise<void> {
  return transferTree(transfer, pair, {
    enter: (level) => enter(transfer, level),
    file: (file) => putFile(transfer, file),
    link: (link) => putLink(transfer, link),
    preserve: (directory) => preserve(transfer, directory),
    source: ({ local }) => local,
  })
}

async function enter(transfer: Transfer, level: Level): Promise<readonly TreeEntry[]> {
  const { session, settings, signal } = transfer
  // What we cannot write to in the end we could not fill either.
  const isNew = (await makeTree(session, level.remote, 0o777, signal)) !== undefined
  if (isNew) transfer.directoryMade()
  const there = settings.resume && !isNew ? await list(transfer, level) : undefined
  const entries = await localEntries(level.local)
  return entries.map((entry) => {
    const { name } = entry
    const known = there?.get(keyOf(name))
    const pair = { local: path.join(level.local, name.toString()), remote: joinPath(level.remote, name), known }
    return { pair, kind: kindOf(entry), obstacle: transfer.obstacle(name) }
  })
}

async function list(transfer: Transfer, level: Level): Promise<ReadonlyMap<string, Stats>> {
  const { session, signal } = transfer
  const entries = await Dir.all(session, level.remote, signal, transfer.listRoom(level))
  return new Map(entries.map(({ nameBytes, stats }) => [keyOf(nameBytes), stats]))
}

/** One character a byte: a name of the server may be no text. */
function keyOf(name: Buffer): string {
  return name.toString('latin1')
}

async function putLink(transfer: Transfer, { local, remote, depth }: Level): Promise<void> {
  const target = ofServer(await readlink(local, { encoding: 'buffer' }))
  const obstacle = linkObstacle(target, depth)
  if (obstacle !== undefined) {
    transfer.skip(local, obstacle)
    return
  }
  const calls = new PathCalls(transfer.session)
  try {
    await calls.symlink(target, remote, transfer.signal)
  } catch (error) {
    // SFTP 3 has no status for what is there already.
    if (!isCode(error, 'ERR_SSH_SFTP_FAILURE') || !(await leadsTo(calls, remote, target, transfer.signal))) throw error
  }
}

/** Windows has another separator. */
function ofServer(target: Buffer): Buffer {
  return path.sep === '/' ? target : Buffer.from(target.toString().replaceAll(path.sep, '/'))
}

async function leadsTo(calls: PathCalls, link: Buffer, target: Buffer, signal: AbortSignal): Promise<boolean> {
  try {
    return target.equals(await calls.path('readlink', link, signal))
  } catch (error) {
    if (error instanceof SftpError) return false
    throw error
  }
}

async function preserve({ session, signal }: Transfer, { local, remote }: Level): Promise<void> {
  const { mode, atimeMs, mtimeMs } = await stat(local)
  const times = { atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) }
  await new PathCalls(session).setAttributes('setstat', remote, { mode: mode & 0o777, times }, signal)
}
