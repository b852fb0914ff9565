import { checkNames, optionError } from '../session/option-error.js'
import { defaultListRoom, toRoom } from './room.js'
import { type CallOptions, checkSignal } from './settings.js'

/** How much of what is there already is compared before a transfer goes on behind it. */
export type Verify = 'full' | 'tail' | 'none'

/** What `get()` and `put()` take. */
export interface TransferTreeOptions extends CallOptions {
  /**
   * Goes on where an earlier transfer of the same file ended. What is there is compared first, as `verify` says, and where
   * it differs the file is sent anew. With `preserve`, a file that has the size and time of its source already is whole.
   * @default false
   */
  readonly resume?: boolean | undefined
  /** `tail`: the last 2 MiB of what is there; `full`: all of it, also of files that seem to be whole. @default 'tail' */
  readonly verify?: Verify | undefined
  /**
   * Each file gets a name of its own beside its place, goes to the disk, and is renamed: whoever looks sees the old file or
   * the new one, whole. What fails is removed, but with `resume`, which goes on with what an earlier transfer of the same
   * source left there. Two processes must not do that for one file at a time.
   * @default false
   */
  readonly atomic?: boolean | undefined
  /** Permissions and times come along. @default true */
  readonly preserve?: boolean | undefined
  /** How many files of a tree are under way at a time. @default 32 */
  readonly concurrency?: number | undefined
  /**
   * Bytes of memory for one directory's entries, each counted with 500 and its name, and the same for what has to be
   * remembered until the end: directories, links, and what is left out. More is ERR_SSH_MAX_BUFFER. @default 256 MiB
   */
  readonly maxBuffer?: number | undefined
  /** Called whenever more of a file has arrived. What it throws ends the transfer. */
  readonly progress?: ((progress: TransferProgress) => void) | undefined
}

/** How far a transfer is. */
export interface TransferProgress {
  /** The file on this side. */
  readonly local: string
  /** The file on the server. */
  readonly remote: string
  /** Bytes of it that are there, those of earlier transfers included. */
  readonly bytes: number
  /** Bytes that it has in all; NaN where the server does not say. */
  readonly size: number
  /** Files that are whole so far. */
  readonly files: number
  /** How often the connection was lost so far, and the transfer went on over another. */
  readonly interruptions: number
}

/** What came of a transfer. */
export interface TransferResult {
  readonly files: number
  readonly directories: number
  /** Bytes that went over the connection. */
  readonly bytes: number
  /** Bytes that were there already, from an earlier transfer. */
  readonly resumed: number
  /** How often the connection was lost meanwhile, and the transfer went on over another. */
  readonly interruptions: number
  /** What was left out: links that lead out of the tree, and what is neither file, directory nor link. */
  readonly skipped: readonly SkippedEntry[]
}

export interface SkippedEntry {
  /** Where it is, at the source. */
  readonly path: string
  readonly why: string
}

export interface TransferSettings {
  readonly signal: AbortSignal | undefined
  readonly resume: boolean
  readonly verify: Verify
  readonly atomic: boolean
  readonly preserve: boolean
  readonly concurrency: number
  readonly most: number
  readonly progress: ((progress: TransferProgress) => void) | undefined
}

const names = ['signal', 'resume', 'verify', 'atomic', 'preserve', 'concurrency', 'maxBuffer', 'progress']

/** @throws HoldfastError ERR_SSH_OPTION naming the option */
export function resolveTransfer(options: TransferTreeOptions): TransferSettings {
  checkNames(options, names)
  const { verify = 'tail', concurrency = 32, progress } = options
  if (!['full', 'tail', 'none'].includes(verify)) throw optionError('verify', "must be 'full', 'tail' or 'none'")
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 256)
    throw optionError('concurrency', 'must be a whole number from 1 to 256')
  if (progress !== undefined && typeof progress !== 'function') throw optionError('progress', 'must be a function')
  return {
    signal: checkSignal(options.signal),
    resume: flag(options, 'resume', false),
    atomic: flag(options, 'atomic', false),
    preserve: flag(options, 'preserve', true),
    verify,
    concurrency,
    most: toRoom(options.maxBuffer, defaultListRoom),
    progress,
  }
}

function flag(options: TransferTreeOptions, name: 'resume' | 'atomic' | 'preserve', otherwise: boolean): boolean {
  const value: unknown = options[name] ?? otherwise
  if (typeof value !== 'boolean') throw optionError(name, 'must be true or false')
  return value
}
