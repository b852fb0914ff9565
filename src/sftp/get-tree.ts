import { chmod, mkdir, readlink, symlink, utimes } from 'node:fs/promises'
import path from 'node:path'
import { HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'
import { Dir } from './directory.js'
import type { Dirent } from './dirent.js'
import { getFile } from './get-file.js'
import { linkObstacle } from './links.js'
import { isLocalName, isThere, makeLocalDirectory } from './local-directory.js'
import { PathCalls } from './path-calls.js'
import { FileKind, type Stats } from './stats.js'
import type { Pair, Transfer } from './transfer.js'
import { kindOf, type Level, type TreeEntry, transferTree } from './tree.js'
import { joinPath } from './trees.js'

/**
 * Fetches what is in a directory into another, which is made where it is missing. Whatever the server says, nothing is
 * written outside of that: names are names, directories are no links, and links come last.
 */
export function getTree(transfer: Transfer, pair: Pair): Promise<void> {
  return transferTree(transfer, pair, {
    enter: (level) => enter(transfer, level),
    file: (file) => getFile(transfer, file),
    link: (link) => getLink(transfer, link),
    preserve: (directory) => preserve(transfer, directory),
    source: ({ remote }) => remote.toString(),
  })
}

async function enter(transfer: Transfer, level: Level): Promise<readonly TreeEntry[]> {
  const { session, signal } = transfer
  // The top is where whoever called wants it, through links of theirs too.
  if (level.depth === 0) await mkdir(level.local, { recursive: true })
  else if (await makeLocalDirectory(level.local)) transfer.directoryMade()
  const entries = await Dir.all(session, level.remote, signal, transfer.listRoom(level))
  const found = entries.map((entry) => treeEntry(transfer, level, entry))
  for (const entry of found) if (!isSaid(entry)) entry.kind = kindOf(await ask(transfer, entry.pair))
  return found
}

function treeEntry(transfer: Transfer, level: Level, { name, nameBytes, stats }: Dirent): FoundEntry {
  checkLocalName(name, level)
  const pair = { local: path.join(level.local, name), remote: joinPath(level.remote, nameBytes), known: stats }
  return { pair, kind: kindOf(stats), obstacle: transfer.obstacle(nameBytes) }
}

interface FoundEntry extends TreeEntry {
  kind: TreeEntry['kind']
  readonly pair: Pair & { readonly known: Stats }
}

/** Whether the server has said what it is, of what is not left out anyway. */
function isSaid({ obstacle, pair }: FoundEntry): boolean {
  return obstacle !== undefined || !Number.isNaN(pair.known.mode)
}

/** For a server that does not say it with the name. */
async function ask({ session, signal }: Transfer, { remote }: Pair): Promise<FileKind> {
  return new FileKind((await new PathCalls(session).attributes('lstat', remote, signal)).mode)
}

/** The server's names have neither `/` nor NUL. */
function checkLocalName(name: string, { remote }: Level): void {
  if (isLocalName(name)) return
  const message = `'${printable(remote.toString(), 200)}' has an entry '${printable(name, 60)}', which Windows cannot have`
  throw new HoldfastError('ERR_SSH_SFTP_NAME', message, { phase: 'request' })
}

async function getLink(transfer: Transfer, { local, remote, depth }: Level): Promise<void> {
  const said = await new PathCalls(transfer.session).path('readlink', remote, transfer.signal)
  const obstacle = linkObstacle(said, depth)
  if (obstacle !== undefined) {
    transfer.skip(remote.toString(), obstacle)
    return
  }
  const target = said.toString()
  try {
    await symlink(target, local)
  } catch (error) {
    if (!isThere(error) || (await readlink(local).catch(() => undefined)) !== target) throw error
  }
}

async function preserve({ session, signal }: Transfer, { local, remote }: Level): Promise<void> {
  const { mode, times } = await new PathCalls(session).attributes('stat', remote, signal)
  if (mode !== undefined) await chmod(local, mode & 0o777)
  if (times !== undefined) await utimes(local, times.atime, times.mtime)
}
