import { isUtf8 } from 'node:buffer'
import { type ErrorCode, HoldfastError } from '../errors.js'
import { isAccessDenied } from '../socket/access-denied.js'
import { printable } from '../wire/printable.js'
import { SmallMemory } from './local-small-read.js'
import { partSuffix } from './part-name.js'
import { Room } from './room.js'
import type { SftpSession } from './sftp-session.js'
import type { SftpSessions } from './sftp-sessions.js'
import type { Stats } from './stats.js'
import type { SkippedEntry, TransferResult, TransferSettings } from './transfer-options.js'
import { Turns } from './turns.js'

/** Connections in a row over which nothing was moved: more of them would not help, and each of them costs the server a login. */
const fruitlessMax = 10

/** A file here and the same file there. */
export interface Pair {
  readonly local: string
  readonly remote: Buffer
  /** What the server has said of it. */
  readonly known?: Stats | undefined
}

interface Dated {
  readonly size: number
  readonly mtimeMs: number
}

/** One `get()` or `put()`: what it is to do, and how far it is. */
export class Transfer {
  readonly session: SftpSessions
  readonly settings: TransferSettings
  /** Aborted by the caller, or when a part of it fails: then the rest has no purpose. */
  readonly signal: AbortSignal
  /** Whose stack errors are to show: the call's. */
  readonly origin = new Error('called')
  readonly #stop = new AbortController()
  /** For files of this machine that are read at once. */
  readonly smallMemory = new SmallMemory()
  readonly #skipped: SkippedEntry[] = []
  readonly #room: Room
  #files = 0
  #directories = 0
  #bytes = 0
  #resumed = 0
  #interruptions = 0
  #lost: SftpSession | undefined
  #doneAtLoss = 0
  #fruitless = 0
  /**
   * Pieces that are under way side by side are done at about the same time, each a bit later than alone: over connections that
   * do not last until then none of them ever would be. So each in a row that brought nothing halves how many there are.
   */
  readonly #turns = new Turns(() => Math.max(1, Math.floor(this.settings.concurrency / 2 ** this.#fruitless)))

  constructor(session: SftpSessions, settings: TransferSettings) {
    this.session = session
    this.settings = settings
    this.#room = new Room(settings.most, 'what is to be remembered of the tree')
    const { signal } = settings
    this.signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal])
  }

  get result(): TransferResult {
    return {
      files: this.#files,
      directories: this.#directories,
      bytes: this.#bytes,
      resumed: this.#resumed,
      interruptions: this.#interruptions,
      skipped: this.#skipped,
    }
  }

  fileDone(): void {
    this.#files++
  }

  directoryMade(): void {
    this.#directories++
  }

  resumed(bytes: number): void {
    this.#resumed += bytes
  }

  skip(path: string, why: string): void {
    this.#room.takeEntry(path)
    this.#skipped.push({ path, why })
  }

  /** For the entries of one directory of the server. */
  listRoom({ remote }: Pair): Room {
    return new Room(this.settings.most, `the directory '${printable(remote.toString(), 200)}'`)
  }

  /** Counts what is to be remembered until the end. @throws HoldfastError ERR_SSH_MAX_BUFFER */
  kept<Kept extends Pair>(pair: Kept): Kept {
    this.#room.takeEntry(`${pair.local}${pair.remote.toString('latin1')}`)
    return pair
  }

  /**
   * Why an entry of a tree is left out by its name alone, which two files would have at the same time.
   * @param name as the source has it
   */
  obstacle(name: Buffer): string | undefined {
    if (!isUtf8(name)) return 'its name is not UTF-8'
    const isPart = this.settings.atomic && name.toString().endsWith(partSuffix)
    return isPart ? `its name ends in ${partSuffix}, as those do that atomic makes on the way` : undefined
  }

  /**
   * Whether an earlier transfer has finished a file, and counts it then: the time of its source was the last that it got. It
   * is not looked into, or a tree of many files could not be gone on with in less time than it takes.
   */
  isDone(pair: Pair, source: Dated, target: Dated | undefined): boolean {
    const { resume, preserve, verify } = this.settings
    if (!resume || !preserve || verify === 'full' || target === undefined) return false
    if (source.size !== target.size || toSeconds(source.mtimeMs) !== toSeconds(target.mtimeMs)) return false
    this.resumed(source.size)
    this.progress(pair, 0, source.size, source.size)
    this.fileDone()
    return true
  }

  /** @param moved how many bytes went over just now @param bytes of the file that are there */
  progress({ local, remote }: Pair, moved: number, bytes: number, size: number): void {
    this.#bytes += moved
    this.settings.progress?.({
      local,
      remote: remote.toString(),
      bytes,
      size,
      files: this.#files,
      interruptions: this.#interruptions,
    })
  }

  /**
   * Does a piece of the work, and does it again where the connection was lost meanwhile and is made anew. Such a piece can be
   * done twice with the same result.
   * @throws what the work throws, also for a loss, once ten connections in a row got the transfer no further
   */
  async again<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      const attempt = await this.#turns.run(() => this.#attempt(work))
      if (attempt !== undefined) return attempt.result
    }
  }

  /** @returns undefined where the connection was lost */
  async #attempt<T>(work: () => Promise<T>): Promise<{ readonly result: T } | undefined> {
    const session = await this.session.current(this.signal)
    try {
      return { result: await work() }
    } catch (error) {
      if (!this.isLost(session)) throw error
      return undefined
    }
  }

  /** Where small files go, each by itself; undefined while a connection is lost, or was in vain, and pieces take turns. */
  get smallSession(): SftpSession | undefined {
    return this.#fruitless === 0 ? this.session.present : undefined
  }

  /** Whether what failed did so for the loss of its connection, and is to be done over the next one. */
  isLost(session: SftpSession): boolean {
    if (!this.session.isLost(session)) return false
    this.#interrupted(session)
    return this.#fruitless < fruitlessMax
  }

  /** Told by each piece that was under way. */
  #interrupted(session: SftpSession): void {
    if (this.#lost === session) return
    this.#lost = session
    this.#interruptions++
    const done = this.#bytes + this.#files + this.#directories
    this.#fruitless = done > this.#doneAtLoss ? 0 : this.#fruitless + 1
    this.#doneAtLoss = done
  }

  /**
   * Works on all items, several at a time. The first failure stops the others, and is thrown once nothing of them runs.
   * @param batches the items, as many at a time as there are: one by one they took four promises each
   * @throws what the items or the work throw
   */
  async all<Item>(batches: AsyncGenerator<readonly Item[]>, work: (item: Item) => Promise<void>): Promise<void> {
    const ready = new Ready(batches)
    let failure: { readonly error: unknown } | undefined
    const worker = async (): Promise<void> => {
      try {
        while (!ready.isOver && !this.#stop.signal.aborted) {
          const item = ready.take()
          if (item === undefined) await ready.more()
          else await work(item)
        }
      } catch (error) {
        failure ??= { error }
        this.#stop.abort(error)
      }
    }
    await Promise.all(Array.from({ length: this.settings.concurrency }, worker))
    await batches.return(undefined)
    if (failure !== undefined) throw failure.error
  }
}

/** Items that come in batches, for several who take one at a time. */
class Ready<Item> {
  readonly #batches: AsyncGenerator<readonly Item[]>
  #batch: readonly Item[] = []
  #next = 0
  #coming: Promise<void> | undefined
  #isOver = false

  constructor(batches: AsyncGenerator<readonly Item[]>) {
    this.#batches = batches
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Undefined where `more` is to be waited for. */
  take(): Item | undefined {
    return this.#batch[this.#next++]
  }

  /** Whoever asks while it comes waits for the same. */
  more(): Promise<void> {
    this.#coming ??= this.#nextBatch()
    return this.#coming
  }

  async #nextBatch(): Promise<void> {
    const next = await this.#batches.next()
    this.#coming = undefined
    this.#isOver = next.done === true
    this.#batch = next.done === true ? [] : next.value
    this.#next = 0
  }
}

/** SFTP 3 has whole seconds. */
function toSeconds(ms: number): number {
  return Math.floor(ms / 1000)
}

export function changedError(path: string, code: ErrorCode = 'ERR_SSH_SFTP_CHANGED'): HoldfastError {
  const message = `'${printable(path, 200)}' changed while it was transferred`
  return new HoldfastError(code, message, { phase: 'request' })
}

/** What the system of this machine refused, or Node's permission model. */
export function localError(error: unknown, code: ErrorCode = 'ERR_SSH_SFTP_LOCAL'): unknown {
  if (error instanceof HoldfastError || !(error instanceof Error)) return error
  if (!('syscall' in error) && !isAccessDenied(error)) return error
  const message = `on this machine: ${printable(error.message, 300)}`
  return new HoldfastError(code, message, { phase: 'request', cause: error })
}
