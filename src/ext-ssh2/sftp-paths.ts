import { done } from '../sftp/results.js'
import { type CallOptions, toPath } from '../sftp/settings.js'
import type { Sftp } from '../sftp/sftp.js'
import { SftpError } from '../sftp/sftp-error.js'
import type { Stats } from '../sftp/stats.js'
import { printable } from '../wire/printable.js'
import { boolArgument, bytesArgument, intArgument } from './arguments.js'
import { onSftp, type Ssh2Sftp } from './sftp.js'
import { nothingMade } from './work.js'

/** A path: a Buffer where it is not UTF-8. */
export type SftpPath = string | Buffer

type StatKey = 'size' | 'uid' | 'gid' | 'mode' | 'atime' | 'mtime' | 7 | 4 | 5 | 2 | 8 | 9

/** What a server says of a file: under names and under the numbers of PHP's `stat()`. What it leaves out is not there. */
export type SftpStat = Readonly<Partial<Record<StatKey, number>>>

const slash = '/'.charCodeAt(0)

/** Renames what is at `from`, unless something is at `to`. @throws TypeError */
export async function ssh2_sftp_rename(sftp: Ssh2Sftp, from: SftpPath, to: SftpPath): Promise<boolean> {
  const name = 'ssh2_sftp_rename'
  const [old, wanted] = [bytesArgument([name, 2, 'from'], from), bytesArgument([name, 3, 'to'], to)]
  return changed(name, sftp, async ({ session }, options) => {
    // Not by posix-rename, as libssh2: what is there would be gone.
    const request = { type: 'RENAME', from: toPath(old, 'from'), to: toPath(wanted, 'to') } as const
    const what = { syscall: 'rename', path: old.toString(), dest: wanted.toString() }
    await session.call({ what, request, result: done(what) }, options)
  })
}

/** Removes a file. @throws TypeError */
export async function ssh2_sftp_unlink(sftp: Ssh2Sftp, filename: SftpPath): Promise<boolean> {
  const name = 'ssh2_sftp_unlink'
  const path = bytesArgument([name, 2, 'filename'], filename)
  return changed(name, sftp, (files, options) => files.unlink(path, options))
}

/**
 * Makes a directory. One that is there already is false.
 * @param mode its permissions, of which the server takes its umask
 * @param recursive whether to make what is missing above it too
 * @throws TypeError
 */
export async function ssh2_sftp_mkdir(
  sftp: Ssh2Sftp,
  dirname: SftpPath,
  mode = 0o777,
  recursive = false,
): Promise<boolean> {
  const name = 'ssh2_sftp_mkdir'
  const path = Buffer.from(bytesArgument([name, 2, 'dirname'], dirname))
  intArgument([name, 3, 'mode'], mode)
  const above = boolArgument([name, 4, 'recursive'], recursive) ? directoriesAbove(path) : []
  return changed(name, sftp, async (files, options) => {
    for (const directory of above) {
      try {
        await files.mkdir(directory, { mode, ...options })
      } catch (error) {
        // Most of them are there already; where one could not be made, the last one says so.
        if (!(error instanceof SftpError)) throw error
      }
    }
    await files.mkdir(path, { mode, ...options })
  })
}

/** Removes an empty directory. @throws TypeError */
export async function ssh2_sftp_rmdir(sftp: Ssh2Sftp, dirname: SftpPath): Promise<boolean> {
  const name = 'ssh2_sftp_rmdir'
  const path = bytesArgument([name, 2, 'dirname'], dirname)
  return changed(name, sftp, (files, options) => files.rmdir(path, options))
}

/** Sets the permissions of a file or directory. @throws TypeError */
export async function ssh2_sftp_chmod(sftp: Ssh2Sftp, filename: SftpPath, mode: number): Promise<boolean> {
  const name = 'ssh2_sftp_chmod'
  const path = bytesArgument([name, 2, 'filename'], filename)
  intArgument([name, 3, 'mode'], mode)
  return changed(name, sftp, (files, options) => files.chmod(path, mode, options))
}

/** What the server says of a file, or of what a link points to. @throws TypeError */
export async function ssh2_sftp_stat(sftp: Ssh2Sftp, path: SftpPath): Promise<SftpStat | false> {
  return statBy('stat', sftp, path)
}

/** The same, but of a link itself. @throws TypeError */
export async function ssh2_sftp_lstat(sftp: Ssh2Sftp, path: SftpPath): Promise<SftpStat | false> {
  return statBy('lstat', sftp, path)
}

/** Makes a link. @param target what it says, as it is @param link where it is @throws TypeError */
export async function ssh2_sftp_symlink(sftp: Ssh2Sftp, target: SftpPath, link: SftpPath): Promise<boolean> {
  const name = 'ssh2_sftp_symlink'
  const [says, path] = [bytesArgument([name, 2, 'target'], target), bytesArgument([name, 3, 'link'], link)]
  return changed(name, sftp, (files, options) => files.symlink(says, path, options))
}

/** What a link says. @throws TypeError */
export async function ssh2_sftp_readlink(sftp: Ssh2Sftp, link: SftpPath): Promise<string | false> {
  const name = 'ssh2_sftp_readlink'
  const path = bytesArgument([name, 2, 'link'], link)
  return onSftp({ name, says: `Unable to read link '${shown(path)}'` }, sftp, {
    start: (state, signal) => state.sftp.readlink(path, { signal }),
    undo: nothingMade,
  })
}

/** A path without links, `.` and `..`; its last part may be missing where the server allows it. @throws TypeError */
export async function ssh2_sftp_realpath(sftp: Ssh2Sftp, filename: SftpPath): Promise<string | false> {
  const name = 'ssh2_sftp_realpath'
  const path = bytesArgument([name, 2, 'filename'], filename)
  return onSftp({ name, says: `Unable to resolve realpath for '${shown(path)}'` }, sftp, {
    start: (state, signal) => state.sftp.realpath(path.length === 0 ? '.' : path, { signal }),
    undo: nothingMade,
  })
}

async function statBy(way: 'stat' | 'lstat', handle: Ssh2Sftp, path: SftpPath): Promise<SftpStat | false> {
  const name = `ssh2_sftp_${way}`
  const bytes = bytesArgument([name, 2, 'path'], path)
  return onSftp({ name, says: 'Failed to stat remote file' }, handle, {
    start: async ({ sftp }, signal) => toStat(await sftp[way](bytes, { signal })),
    undo: nothingMade,
  })
}

/** What changes something: PHP says no more of it than whether it did. */
async function changed(
  name: string,
  handle: Ssh2Sftp,
  work: (files: Sftp, options: CallOptions) => Promise<unknown>,
): Promise<boolean> {
  return onSftp({ name, isQuiet: true }, handle, {
    start: async ({ sftp }, signal) => {
      await work(sftp, { signal })
      return true
    },
    undo: nothingMade,
  })
}

function shown(path: SftpPath): string {
  return printable(path.toString(), 200)
}

/** From the top down. */
function directoriesAbove(path: Buffer): readonly Buffer[] {
  const above: Buffer[] = []
  for (let at = path.indexOf(slash, 1); at !== -1 && at < path.length - 1; at = path.indexOf(slash, at + 1))
    above.push(path.subarray(0, at))
  return above
}

function toStat({ size, uid, gid, mode, atimeMs, mtimeMs }: Stats): SftpStat {
  const fields = [
    [7, 'size', size],
    [4, 'uid', uid],
    [5, 'gid', gid],
    [2, 'mode', mode],
    [8, 'atime', atimeMs / 1000],
    [9, 'mtime', mtimeMs / 1000],
  ] as const
  const stat: Partial<Record<StatKey, number>> = {}
  for (const [number, name, value] of fields) {
    if (Number.isNaN(value)) continue
    stat[number] = value
    stat[name] = value
  }
  return stat
}
