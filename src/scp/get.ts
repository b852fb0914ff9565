import { isUtf8 } from 'node:buffer'
import { constants } from 'node:fs'
import { chmod, type FileHandle, mkdir, open, utimes } from 'node:fs/promises'
import path from 'node:path'
import { isLocalName, makeLocalDirectory } from '../sftp/local-directory.js'
import { nameOf } from './command-line.js'
import type { Conversation } from './conversation.js'
import type { ScpRecord } from './records.js'
import { scpNameError, scpProtocolError } from './scp-error.js'
import type { ScpPair, Tally } from './tally.js'

type Times = Extract<ScpRecord, { type: 'times' }>
type FileRecord = Extract<ScpRecord, { type: 'file' }>
type DirectoryRecord = Extract<ScpRecord, { type: 'directory' }>

/** Of one file or directory: what is said of it, and where it goes. */
interface Arrival<Kind extends FileRecord | DirectoryRecord = FileRecord | DirectoryRecord> {
  readonly record: Kind
  readonly times: Times | undefined
  readonly pair: ScpPair
}

/**
 * Takes what was asked for, and nothing else: one file or directory, under its name (CVE-2019-6111), to where whoever
 * called wants it. Below that, names are names, and no link is written through.
 * @throws ScpError; HoldfastError ERR_SSH_SCP_NAME, ERR_SSH_SCP_PROTOCOL
 */
export async function receive(scp: Conversation, tally: Tally, pair: ScpPair): Promise<void> {
  const arrival = { ...(await beginning(scp, pair.remote)), pair }
  if (isDirectory(arrival)) await receiveTop(scp, tally, arrival)
  else await receiveFile(scp, tally, arrival)
  if ((await next(scp)) !== undefined) throw scpProtocolError('it gives more than was asked for')
}

/** Has it begin with what was asked for. @throws ScpError; HoldfastError ERR_SSH_SCP_NAME, ERR_SSH_SCP_PROTOCOL */
export async function beginning(scp: Conversation, remote: string): Promise<Omit<Arrival, 'pair'>> {
  await scp.agree()
  const first = await next(scp)
  if (first === undefined) throw await scp.ended('what was asked for')
  if (first === 'end') throw scpProtocolError('it ends a directory that it has not begun')
  const name = first.record.name.toString()
  if (name !== nameOf(remote)) throw scpNameError(name, `is not the one that was asked for: '${remote}'`)
  return first
}

/** With its times, where those come in front of it. */
async function next(scp: Conversation): Promise<Omit<Arrival, 'pair'> | 'end' | undefined> {
  const first = await scp.record()
  if (first === undefined) return undefined
  if (first.type === 'end') return 'end'
  if (first.type !== 'times') return { record: first, times: undefined }
  await scp.agree()
  const second = await scp.record()
  if (second === undefined) throw await scp.ended('what the times are of')
  if (second.type === 'end' || second.type === 'times')
    throw scpProtocolError('times come, and nothing that they are of')
  return { record: second, times: first }
}

function isDirectory(arrival: Arrival): arrival is Arrival<DirectoryRecord> {
  return arrival.record.type === 'directory'
}

async function receiveTop(scp: Conversation, tally: Tally, arrival: Arrival<DirectoryRecord>): Promise<void> {
  if (!tally.settings.recursive) throw scpProtocolError('it gives a directory, where a file was asked for')
  // Through links of whoever called, if that is where they want it.
  await mkdir(arrival.pair.local, { recursive: true })
  await receiveEntries(scp, tally, arrival)
}

/** What is in a directory, up to its end. */
async function receiveEntries(scp: Conversation, tally: Tally, arrival: Arrival<DirectoryRecord>): Promise<void> {
  const { pair, record, times } = arrival
  await scp.agree()
  for (let entry = await next(scp); entry !== 'end'; entry = await next(scp)) {
    if (entry === undefined) throw await scp.ended(`the end of the directory '${pair.remote}'`)
    await receiveEntry(scp, tally, { ...entry, pair: inside(pair, checkName(entry.record.name)) })
  }
  // After what is in it, which changes its times.
  if (tally.settings.preserve) {
    await chmod(pair.local, record.mode & 0o777)
    if (times !== undefined) await utimes(pair.local, times.atime, times.mtime)
  }
  await scp.agree()
  tally.directoryDone()
}

async function receiveEntry(scp: Conversation, tally: Tally, arrival: Arrival): Promise<void> {
  const { pair, record } = arrival
  if (!isUtf8(record.name)) {
    tally.skip(pair.remote, 'its name is not UTF-8')
    await discard(scp, arrival)
  } else if (isDirectory(arrival)) {
    await makeLocalDirectory(pair.local)
    await receiveEntries(scp, tally, arrival)
  } else {
    await receiveFile(scp, tally, arrival)
  }
}

/** Takes it and keeps nothing: SCP has no way to say that one thing of many is not wanted. */
async function discard(scp: Conversation, { record, pair }: Pick<Arrival, 'record' | 'pair'>): Promise<void> {
  let depth = 0
  let at: Awaited<ReturnType<typeof next>> = { record, times: undefined }
  // Not by recursion: of directories within directories a server has no end, and nothing is made here that would have one.
  for (;;) {
    if (at === undefined) throw await scp.ended(`the end of the directory '${pair.remote}'`)
    if (at === 'end') depth--
    else if (at.record.type === 'directory') depth++
    else await discardContents(scp, at.record, pair)
    await scp.agree()
    if (depth === 0) return
    at = await next(scp)
  }
}

async function discardContents(scp: Conversation, { size }: FileRecord, pair: ScpPair): Promise<void> {
  await scp.agree()
  for await (const _ of scp.contents(size, contentsOf(pair)));
  await scp.answer(`the end of the contents of '${pair.remote}'`)
}

async function receiveFile(scp: Conversation, tally: Tally, arrival: Arrival): Promise<void> {
  const { record, times, pair } = arrival
  const { O_WRONLY, O_CREAT, O_TRUNC } = constants
  // A link in its place would lead out of the tree, and a FIFO wait for its reader; Windows has no flags for that.
  const flags = O_WRONLY | O_CREAT | O_TRUNC | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  // Who may not read or write it there is not to do so here either, and not while it comes.
  const file = await open(pair.local, flags, 0o600 | (record.mode & 0o066))
  try {
    await scp.agree()
    await receiveContents(scp, tally, arrival, file)
    // A device, /dev/null say, is no copy of it. The server does not get to make a program that runs as its owner.
    if (tally.settings.preserve && (await file.stat()).isFile()) {
      await file.chmod(record.mode & 0o777)
      if (times !== undefined) await file.utimes(times.atime, times.mtime)
    }
  } finally {
    await file.close()
  }
  await scp.agree()
  tally.fileDone()
}

async function receiveContents(
  scp: Conversation,
  tally: Tally,
  { record, pair }: Arrival,
  file: FileHandle,
): Promise<void> {
  const size = record.type === 'file' ? record.size : 0
  let offset = 0
  try {
    for await (const bytes of scp.contents(size, contentsOf(pair))) {
      await writeAll(file, bytes, offset)
      offset += bytes.length
      tally.progress(pair, bytes.length, offset, size)
    }
    await scp.answer(`the end of the contents of '${pair.remote}'`)
  } catch (error) {
    // There is no going on with a part, which would look like the whole.
    await file.truncate(0).catch(() => {})
    throw error
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; )
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
}

function contentsOf({ remote }: ScpPair): string {
  return `the contents of '${remote}'`
}

/** @throws HoldfastError ERR_SSH_SCP_NAME */
function checkName(bytes: Buffer): string {
  const name = bytes.toString()
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || !isLocalName(name))
    throw scpNameError(name, 'no entry of a directory can have')
  return name
}

function inside({ local, remote }: ScpPair, name: string): ScpPair {
  return { local: path.join(local, name), remote: `${remote.replace(/\/$/, '')}/${name}` }
}
