import { HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'
import { closing } from './closing.js'
import { Dirent } from './dirent.js'
import { closeLate } from './remote-file.js'
import type { NameEntry, Reply } from './replies.js'
import type { Request } from './requests.js'
import { done, handle, names } from './results.js'
import type { Room } from './room.js'
import { sftpProtocolError } from './sftp-error.js'
import type { SftpSession } from './sftp-session.js'
import type { SftpSessions } from './sftp-sessions.js'

/** An open directory of the server. It yields its entries, and is closed when they are over or nobody wants more. */
export class Dir implements AsyncIterable<Dirent>, AsyncDisposable {
  /** As it was opened. */
  readonly path: string
  readonly #session: SftpSession
  readonly #handle: Buffer
  readonly #signal: AbortSignal | undefined
  #entries: readonly Dirent[] = []
  /** Which of them is read next. */
  #next = 0
  #isOver = false
  #dots = 0
  #closing: Promise<void> | undefined

  /** @internal */
  static async open(sessions: SftpSessions, path: Buffer, signal: AbortSignal | undefined): Promise<Dir> {
    const session = await sessions.current(signal)
    const what = { syscall: 'opendir', path: path.toString() }
    const request: Request = { type: 'OPENDIR', path }
    const late = (reply: Reply) => closeLate(session, reply)
    return new Dir(
      session,
      what.path,
      await session.call({ what, request, result: handle(what), late }, { signal }),
      signal,
    )
  }

  /** Everything in it. @param room for that. @throws HoldfastError ERR_SSH_MAX_BUFFER @internal */
  static async all(
    sessions: SftpSessions,
    path: Buffer,
    signal: AbortSignal | undefined,
    room: Room,
  ): Promise<readonly Dirent[]> {
    const entries: Dirent[] = []
    const dir = await Dir.open(sessions, path, signal)
    await closing(dir, async () => {
      for (let some = await dir.#readSome(); some !== undefined; some = await dir.#readSome())
        for (const entry of some) {
          room.takeEntry(entry.nameBytes)
          entries.push(entry)
        }
    })
    return entries
  }

  private constructor(session: SftpSession, path: string, opened: Buffer, signal: AbortSignal | undefined) {
    this.#session = session
    this.path = path
    this.#handle = opened
    this.#signal = signal
  }

  /** The next entry, or null after the last. @throws SftpError; HoldfastError ERR_SSH_SFTP_NAME for a name that is none */
  async read(): Promise<Dirent | null> {
    while (this.#next === this.#entries.length) {
      const some = await this.#readSome()
      if (some === undefined) return null
      this.#entries = some
      this.#next = 0
    }
    return this.#entries[this.#next++] ?? null
  }

  /** May be called again. @throws SftpError */
  close(): Promise<void> {
    const what = { syscall: 'closedir', path: this.path }
    const request: Request = { type: 'CLOSE', handle: this.#handle }
    this.#closing ??= this.#session.call({ what, request, result: done(what) })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Dirent, undefined> {
    try {
      for (let entry = await this.read(); entry !== null; entry = await this.read()) yield entry
      await this.close()
    } finally {
      // Whoever leaves early, by an abort perhaps, must not wait for a server that answers nothing.
      this.close().catch(() => {})
    }
  }

  /** What one request brings, . and .. left out; undefined at the end. */
  async #readSome(): Promise<readonly Dirent[] | undefined> {
    if (this.#isOver) return undefined
    const what = { syscall: 'readdir', path: this.path }
    if (this.#closing !== undefined)
      throw new HoldfastError('ERR_SSH_CLOSED', `the directory '${this.path}' is closed`, { phase: 'request' })
    const request: Request = { type: 'READDIR', handle: this.#handle }
    const some = await this.#session.call({ what, request, result: names(what) }, { signal: this.#signal })
    if (some === undefined) {
      this.#isOver = true
      return undefined
    }
    const entries = some.filter((entry) => !isDots(entry))
    this.#dots += some.length - entries.length
    if (this.#dots > maxDots) throw sftpProtocolError(`'${printable(this.path, 200)}' has . and .. without end`)
    return entries.map((entry) => this.#entry(entry))
  }

  #entry({ name, attributes }: NameEntry): Dirent {
    // What a program joins to a path must not lead anywhere else.
    if (name.length === 0 || name.includes(0) || name.includes('/')) {
      const shown = printable(name.toString(), 60)
      throw new HoldfastError('ERR_SSH_SFTP_NAME', `'${this.path}' is said to have an entry '${shown}'`, {
        phase: 'request',
      })
    }
    return new Dirent(name, this.path, attributes)
  }
}

function isDots({ name }: NameEntry): boolean {
  return name.equals(dot) || name.equals(dots)
}

/** Each comes once. Without a limit, a directory of nothing else would be read for ever. */
const maxDots = 64
const dot = Buffer.from('.')
const dots = Buffer.from('..')
