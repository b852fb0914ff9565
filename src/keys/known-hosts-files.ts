/** known_hosts files on disk, which other processes, ssh among them, read and write at the same time. */
import { randomBytes } from 'node:crypto'
import { appendFile, constants, type FileHandle, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import process from 'node:process'
import { HoldfastError } from '../errors.js'
import { hasCode, readHandle, readSmallFile } from './files.js'
import { planRotation } from './host-key-rotation.js'
import {
  type KnownHostsEntry,
  knownHostsName,
  namesHost,
  type ParsedKnownHosts,
  parseKnownHosts,
  parseKnownHostsLines,
} from './known-hosts.js'
import { encodeKnownHostsLine } from './known-hosts-line.js'
import { nextTurn } from './next-turn.js'
import { isSshDirectory } from './paths.js'
import type { PublicKey } from './public-key.js'

/** A hundred thousand hosts. */
const maxFileBytes = 64 * 1024 * 1024
/** Some milliseconds of work: so long a connection that is to be made may hold up the others. */
const linesPerTurn = 1000
/** A lock that is older belongs to a process that died with it. */
const staleLockMs = 60_000
const lineEnd = Buffer.from('\n')
/**
 * An attempt fails when somebody replaced the file within the millisecond that it took. While one process does nothing
 * but replace it, a third of them do; this many in a row do not happen.
 */
const attempts = 30

export interface Host {
  readonly host: string
  readonly port: number
}

/**
 * Reads known_hosts files. Those that do not exist are empty.
 * @throws HoldfastError ERR_SSH_KNOWN_HOSTS: a file that cannot be read could hold a revocation
 */
export async function readKnownHostsFiles(paths: readonly string[]): Promise<ParsedKnownHosts> {
  return joined(await Promise.all(paths.map(readOne)))
}

function joined(parsed: readonly ParsedKnownHosts[]): ParsedKnownHosts {
  return { entries: parsed.flatMap(({ entries }) => entries), problems: parsed.flatMap(({ problems }) => problems) }
}

function readOne(path: string): Promise<ParsedKnownHosts> {
  return guarded(path, 'read', async () => {
    const bytes = await readSmallFile(path, maxFileBytes)
    return parseInTurns(bytes?.toString('utf8') ?? '', path)
  })
}

/** In between, the event loop goes on: a file of many thousands of hosts takes seconds. */
async function parseInTurns(text: string, path: string): Promise<ParsedKnownHosts> {
  const lines = text.split('\n')
  const parsed: ParsedKnownHosts[] = []
  for (let at = 0; at < lines.length; at += linesPerTurn) {
    if (at > 0) await nextTurn()
    parsed.push(parseKnownHostsLines(lines.slice(at, at + linesPerTurn), path, at + 1))
  }
  return joined(parsed)
}

/** The same, with the entries of one host alone, by whatever name it may stand there. @throws as `readKnownHostsFiles` */
export async function readKnownHost(paths: readonly string[], { host, port }: Host): Promise<ParsedKnownHosts> {
  const { entries, problems } = await readKnownHostsFiles(paths)
  const names = new Set([knownHostsName(host, port), knownHostsName(host, 22)])
  return { entries: await entriesNaming(entries, [...names]), problems }
}

/** Found in turns too: to compare a hashed name takes as much as to read its line. */
export async function entriesNaming(
  entries: readonly KnownHostsEntry[],
  names: readonly string[],
): Promise<readonly KnownHostsEntry[]> {
  const found: KnownHostsEntry[] = []
  for (let at = 0; at < entries.length; at += linesPerTurn) {
    if (at > 0) await nextTurn()
    const some = entries.slice(at, at + linesPerTurn)
    found.push(...some.filter(({ hosts }) => names.some((name) => namesHost(hosts, name))))
  }
  return found
}

/**
 * Adds a key of a host, unless it is there already. A new file is the user's alone; the name is hashed if the file has
 * hashed names.
 *
 * One write in append mode: the system places it at the end whatever others append meanwhile, so nothing is lost and
 * nothing needs a lock. Only who replaces the file could lose it, so it is looked at once more where the file is now.
 * @throws HoldfastError ERR_SSH_KNOWN_HOSTS
 */
export function appendKnownHost(path: string, host: Host, key: PublicKey): Promise<void> {
  return guarded(path, 'written', async () => {
    await makeSshDirectory(dirname(path))
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (await appendOnce(path, host, key)) return
    }
    throw new Error('other processes keep replacing it')
  })
}

/** As ssh does: `~/.ssh`, and no other folder, nor the home of a user that has none. */
async function makeSshDirectory(folder: string): Promise<void> {
  if (!isSshDirectory(folder)) return
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

/** @returns false if the file was replaced under the write */
async function appendOnce(path: string, { host, port }: Host, key: PublicKey): Promise<boolean> {
  const handle = await open(path, 'a+', 0o600)
  try {
    const text = (await readHandle(handle, maxFileBytes)).toString('utf8')
    // In one piece: the longer it takes, the likelier somebody replaces the file meanwhile.
    const { entries } = parseKnownHosts(text, path)
    const name = knownHostsName(host, port)
    if (entries.some((entry) => isEntryOf(entry, name, key))) return true
    const line = encodeKnownHostsLine(name, key, saltFor(entries))
    await writeWhole(handle, Buffer.from(`${endsInLine(text) ? '' : '\n'}${line}\n`))
    return await isStill(handle, path)
  } finally {
    await handle.close()
  }
}

function isEntryOf({ marker, hosts, blob }: KnownHostsEntry, name: string, key: PublicKey): boolean {
  return marker === 'none' && blob.equals(key.plainBlob) && namesHost(hosts, name)
}

/** HashKnownHosts is a habit of the file: who began to hide names in it wants the new ones hidden. */
function saltFor(entries: readonly KnownHostsEntry[]): Buffer | undefined {
  return entries.some(({ hosts }) => hosts.form === 'hashed') ? randomBytes(20) : undefined
}

function endsInLine(text: string): boolean {
  return text === '' || text.endsWith('\n')
}

/** In append mode a second write could land behind another's line. */
async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  const { bytesWritten } = await handle.write(bytes)
  if (bytesWritten < bytes.length) throw new Error('the disk is full')
}

/** Not where somebody has replaced the file, or deleted it. */
async function isStill(handle: FileHandle, path: string): Promise<boolean> {
  const ours = await handle.stat({ bigint: true })
  try {
    const now = await stat(path, { bigint: true })
    return ours.ino === now.ino && ours.dev === now.dev
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    return false
  }
}

export interface Rotation extends Host {
  /** All keys that the host says it has. */
  readonly offered: readonly PublicKey[]
  /** Those of them for which it gave a proof. */
  readonly proven: readonly PublicKey[]
}

/**
 * Makes the file hold the keys that the host has now, by the rules of `planRotation`.
 * @returns whether the file was changed. False too where another process is at it: the next connection tries again
 * @throws HoldfastError ERR_SSH_KNOWN_HOSTS
 */
export function rotateKnownHost(path: string, rotation: Rotation): Promise<boolean> {
  return guarded(path, 'updated', async () => {
    // The file itself, not a link to it, is replaced.
    const target = await realpath(path)
    const lock = `${target}.holdfast-lock`
    if (!(await takeLock(lock))) return false
    try {
      return await rotateLocked(target, rotation)
    } finally {
      await rm(lock, { force: true })
    }
  })
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx', 0o600)).close()
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    await removeStale(lock)
    return false
  }
}

async function removeStale(lock: string): Promise<void> {
  try {
    if (Date.now() - (await stat(lock)).mtimeMs > staleLockMs) await rm(lock, { force: true })
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

async function rotateLocked(path: string, rotation: Rotation): Promise<boolean> {
  const handle = await openToAppend(path)
  // Who made it so wants it left alone.
  if (handle === 'read-only') return false
  try {
    const before = await readEnded(handle)
    const after = await rotate(before.toString('latin1'), path, rotation)
    if (after === undefined) return false
    if (!(await replaceFile(path, Buffer.from(after, 'latin1'), handle))) return false
    await rescueAppended(handle, before.length, path)
    return true
  } finally {
    await handle.close()
  }
}

/** A file that exists. */
async function openToAppend(path: string): Promise<FileHandle | 'read-only'> {
  try {
    return await open(path, constants.O_RDWR | constants.O_APPEND)
  } catch (error) {
    if (hasCode(error, 'EACCES') || hasCode(error, 'EPERM')) return 'read-only'
    throw error
  }
}

/**
 * Reads the file to the end of its last line. Where that has no end, a person left it so, or it is still in the writing: a
 * reader can see the half of one write. To give it its end takes a write that the system puts behind all those that have
 * begun, so what is read after that is whole. Of ssh each line is one write (9.2, by strace), which ends no line before it.
 */
async function readEnded(handle: FileHandle): Promise<Buffer> {
  const bytes = await readHandle(handle, maxFileBytes)
  if (bytes.length === 0 || bytes.at(-1) === lineEnd[0]) return bytes
  await writeWhole(handle, lineEnd)
  return readHandle(handle, maxFileBytes)
}

/**
 * The file's new text, or undefined if it is to be left as it is.
 * @param text in latin1, so that comments in any encoding stay as they are
 */
async function rotate(
  text: string,
  path: string,
  { host, port, offered, proven }: Rotation,
): Promise<string | undefined> {
  const { entries } = await parseInTurns(text, path)
  const name = knownHostsName(host, port)
  const plan = planRotation(entries, await entriesNaming(entries, [name]), offered)
  if (plan === undefined) return undefined
  const isProven = (key: PublicKey) => proven.some(({ plainBlob }) => plainBlob.equals(key.plainBlob))
  if (!plan.unproven.every(isProven)) return undefined
  const dropped = new Set(plan.obsolete.map(({ line }) => line))
  const kept = text.split('\n').filter((_, index) => !dropped.has(index + 1))
  const added = plan.unproven.map((key) => `${encodeKnownHostsLine(name, key, saltFor(entries))}\n`)
  return kept.join('\n') + added.join('')
}

/**
 * @param old the file that was read
 * @returns false if another program has deleted it, or put a file of its own in its place, as `ssh-keygen -R` does: what it
 *   removed stays so
 */
async function replaceFile(path: string, bytes: Buffer, old: FileHandle): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  const { mode, uid, gid } = await old.stat()
  try {
    const handle = await open(temporary, 'wx', mode & 0o777)
    try {
      await handle.writeFile(bytes)
      // Root may bring another user's file up to date, whose it is to stay.
      if (process.getuid?.() === 0) await handle.chown(uid, gid)
      // Without it a crash could leave an empty file under the name.
      await handle.sync()
    } finally {
      await handle.close()
    }
    const isOurs = await isStill(old, path)
    await (isOurs ? rename(temporary, path) : rm(temporary))
    return isOurs
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** What others appended to the old file, between our reading it and our replacing it. */
async function rescueAppended(old: FileHandle, readBytes: number, path: string): Promise<void> {
  const grown = await readEnded(old)
  if (grown.length > readBytes) await appendFile(path, grown.subarray(readBytes))
}

async function guarded<T>(path: string, verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new HoldfastError('ERR_SSH_KNOWN_HOSTS', `${path}: could not be ${verb}: ${reason}`, { cause: error })
  }
}
