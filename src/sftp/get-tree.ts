import { chmod, lstat, mkdir, readlink, symlink, utimes } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'
import type { Attributes } from './attributes.js'
import { Dir } from './directory.js'
import { getFile } from './get-file.js'
import { staysInside } from './links.js'
import { PathCalls } from './path-calls.js'
import { FileKind } from './stats.js'
import type { Pair, Transfer } from './transfer.js'
import { joinPath } from './trees.js'

/** A directory on both sides, and how deep it stands in the tree. */
interface Level extends Pair {
  readonly depth: number
}

/**
 * Fetches what is in a directory into another, which is made where it is missing. Whatever the server says, nothing is
 * written outside of that: names are names, directories are no links, and links come last.
 */
export async function getTree(transfer: Transfer, pair: Pair): Promise<void> {
  const made: Level[] = []
  const links: Level[] = []
  await mkdir(pair.local, { recursive: true })
  const files = walk(transfer, { ...pair, depth: 0 }, made, links)
  await transfer.all(files, (file) => getFile(transfer, file))
  for (const link of links) await getLink(transfer, link)
  // The deepest first, and all after what is in them, which changes their times.
  if (transfer.settings.preserve) for (const directory of made.toReversed()) await keep(transfer, directory)
}

async function* walk(transfer: Transfer, level: Level, made: Level[], links: Level[]): AsyncGenerator<Pair, undefined> {
  const { session, signal } = transfer
  const calls = new PathCalls(session)
  made.push(level)
  const directories: Level[] = []
  for await (const { name, nameBytes, stats } of await Dir.open(session, level.remote, signal)) {
    checkLocalName(name, level)
    const pair = { local: path.join(level.local, name), remote: joinPath(level.remote, nameBytes), depth: level.depth }
    const obstacle = transfer.obstacle(name, nameBytes)
    if (obstacle !== undefined) {
      transfer.skip(pair.remote.toString(), obstacle)
      continue
    }
    const kind = Number.isNaN(stats.mode) ? kindOf(await calls.attributes('lstat', pair.remote, signal)) : stats
    if (kind.isFile()) yield { ...pair, known: stats }
    else if (kind.isDirectory()) directories.push({ ...pair, depth: level.depth + 1 })
    else if (kind.isSymbolicLink()) links.push(pair)
    else transfer.skip(pair.remote.toString(), 'it is neither file, directory nor link')
  }
  for (const directory of directories) {
    await makeLocal(transfer, directory.local)
    yield* walk(transfer, directory, made, links)
  }
}

function kindOf({ mode }: Attributes): FileKind {
  return new FileKind(mode)
}

/** The server's names have neither `/` nor NUL; Windows reads more than that out of a name. */
function checkLocalName(name: string, { remote }: Level): void {
  if (process.platform !== 'win32' || !/[\\:]/.test(name)) return
  const message = `'${printable(remote.toString(), 200)}' has an entry '${printable(name, 60)}', which Windows cannot have`
  throw new HoldfastError('ERR_SSH_SFTP_NAME', message, { phase: 'request' })
}

async function makeLocal(transfer: Transfer, directory: string): Promise<void> {
  try {
    await mkdir(directory)
    transfer.directoryMade()
  } catch (error) {
    if (!isThere(error)) throw error
    if (!(await lstat(directory)).isDirectory()) throw notADirectory(directory)
  }
}

function notADirectory(directory: string): HoldfastError {
  const message = `on this machine: '${printable(directory, 200)}' is to be a directory, and is none`
  return new HoldfastError('ERR_SSH_SFTP_LOCAL', message, { phase: 'request' })
}

async function getLink(transfer: Transfer, { local, remote, depth }: Level): Promise<void> {
  const target = (await new PathCalls(transfer.session).path('readlink', remote, transfer.signal)).toString()
  if (!staysInside(target, depth)) {
    transfer.skip(remote.toString(), 'it is a link that leads out of the tree')
    return
  }
  try {
    await symlink(target, local)
  } catch (error) {
    if (!isThere(error) || (await readlink(local).catch(() => undefined)) !== target) throw error
  }
}

function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}

async function keep({ session, signal }: Transfer, { local, remote }: Level): Promise<void> {
  const { mode, times } = await new PathCalls(session).attributes('stat', remote, signal)
  if (mode !== undefined) await chmod(local, mode & 0o777)
  if (times !== undefined) await utimes(local, times.atime, times.mtime)
}
