import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import process from 'node:process'
import { HoldfastError } from '../../errors.js'

/** Far more than a policy for a thousand hosts takes. */
const maxBytes = 1024 * 1024

/** What of the answers of the system a test gives itself. */
export interface FileOwner {
  /** Who runs this process; undefined where the system knows no such numbers. */
  readonly userId: number | undefined
}

/**
 * The text of a policy file; undefined where there is none at all. Anything else that keeps it from being read is an error,
 * since an administrator's limit must not vanish without a word.
 * @throws HoldfastError ERR_SSH_POLICY
 */
export function readPolicyFile(path: string, owner: FileOwner = ownProcess()): string | undefined {
  const file = open(path)
  if (file === undefined) return undefined
  try {
    // Of what is open, not of its name: between two looks at a name it can become another file.
    checkOwner(path, fstatSync(file), owner)
    return decode(path, read(path, file))
  } catch (error) {
    throw error instanceof HoldfastError ? error : unreadable(path, error)
  } finally {
    closeSync(file)
  }
}

/** As it is now: a service may have begun as root. */
function ownProcess(): FileOwner {
  return { userId: process.geteuid?.() }
}

export function policyError(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('ERR_SSH_POLICY', message, { phase: 'options', cause })
}

function open(path: string): number | undefined {
  try {
    // A FIFO with nobody at its other end would be waited for for ever.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (isAbsence(error) && !isDangling(path) && !isDangling(dirname(path))) return undefined
    throw unreadable(path, error)
  }
}

function checkOwner(path: string, stats: Stats, { userId }: FileOwner): void {
  if (!stats.isFile()) throw policyError(`the policy ${path} is no file`)
  if (userId === undefined || process.platform === 'win32') return
  if (stats.uid !== 0 && stats.uid !== userId)
    throw policyError(
      `the policy ${path} belongs to user ${stats.uid}, who could change it: it must belong to root or to the user of this process (${userId})`,
    )
  if ((stats.mode & 0o022) !== 0) {
    const mode = (stats.mode & 0o777).toString(8)
    throw policyError(`the policy ${path} can be written by others than its owner (mode ${mode}): chmod go-w ${path}`)
  }
}

/** Not by the size that the file gives: it can grow, and that of a device says nothing. */
function read(path: string, file: number): Buffer {
  const buffer = Buffer.alloc(maxBytes + 1)
  let length = 0
  for (;;) {
    const taken = readSync(file, buffer, length, buffer.length - length, null)
    if (taken === 0) return buffer.subarray(0, length)
    length += taken
    if (length > maxBytes) throw policyError(`the policy ${path} is larger than ${maxBytes} bytes`)
  }
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw policyError(`the policy ${path} is no text in UTF-8`)
  }
}

function unreadable(path: string, cause: unknown): HoldfastError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return policyError(`the policy ${path} cannot be read: ${reason}`, cause)
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Whether it is a link that leads nowhere. */
function isDangling(path: string): boolean {
  try {
    if (!lstatSync(path).isSymbolicLink()) return false
  } catch {
    return false
  }
  try {
    realpathSync(path)
    return false
  } catch {
    return true
  }
}
