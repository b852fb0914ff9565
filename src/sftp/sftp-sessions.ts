import { HoldfastError } from '../errors.js'
import type { Extension } from './numbers.js'
import type { Call } from './request-table.js'
import { type FileCall, withDelivery } from './sftp-error.js'
import { type CallSettings, type SftpHost, SftpSession } from './sftp-session.js'

/**
 * What an SFTP session can run on once the connection is there again.
 * @param spentMs how long whoever asks has waited already
 * @throws HoldfastError ERR_SSH_TIMEOUT (limit `reconnect`), ERR_SSH_ABORTED, why there will be none
 */
export type NextHost = (signal: AbortSignal | undefined, spentMs: number) => Promise<SftpHost>

/** What the sessions of one `Sftp` have in common. */
export interface SftpSessionsOptions {
  readonly signal: AbortSignal | undefined
  /** Undefined where the end of the connection is the end. */
  readonly next: NextHost | undefined
}

interface Opening {
  readonly opened: Promise<void>
  readonly stop: AbortController
}

/**
 * The SFTP sessions of one `Sftp`, one after another: where one ended with its connection, and that is made anew, the next
 * call opens another. Whatever the server has open for us is gone with a session, so that belongs to one.
 */
export class SftpSessions {
  readonly #options: SftpSessionsOptions
  /** Ends what waits for a further session. */
  readonly #closing = new AbortController()
  #session: SftpSession
  #opening: Opening | undefined

  /** @throws as `SftpSession.open` */
  static async open(host: SftpHost, options: SftpSessionsOptions): Promise<SftpSessions> {
    return new SftpSessions(await SftpSession.open(host, options.signal), options)
  }

  private constructor(session: SftpSession, options: SftpSessionsOptions) {
    this.#session = session
    this.#options = options
  }

  /** Who the server is, as the program named it. */
  get host(): string {
    return this.#session.host
  }

  get linkComesFirst(): boolean {
    return this.#session.linkComesFirst
  }

  has(extension: Extension): boolean {
    return this.#session.has(extension)
  }

  /** @throws SftpError ENOTSUP */
  require(extension: Extension, what: FileCall): void {
    this.#session.require(extension, what)
  }

  /** Whether a session ended with its connection, after which another one may be opened. */
  isLost(session: SftpSession): boolean {
    return this.#options.next !== undefined && !this.#closing.signal.aborted && session.endedWithConnection
  }

  /** The session that there is, whatever became of it; undefined where another one is to be waited for. */
  get present(): SftpSession | undefined {
    return this.isLost(this.#session) ? undefined : this.#session
  }

  /**
   * The session that there is, whatever became of it, or where it ended with its connection the next one, for which it waits.
   * @throws HoldfastError ERR_SSH_ABORTED, ERR_SSH_TIMEOUT (limit `reconnect`), why there is no connection or session
   */
  async current(signal?: AbortSignal): Promise<SftpSession> {
    if (!this.isLost(this.#session)) return this.#session
    const closing = this.#closing.signal
    const either = signal === undefined ? closing : AbortSignal.any([signal, closing])
    const since = performance.now()
    try {
      // However often it comes and goes, all of it is one wait.
      while (this.isLost(this.#session))
        await this.#reopen(await this.#nextHost(either, performance.now() - since), either)
      return this.#session
    } catch (error) {
      throw withDelivery(closing.aborted ? closedError() : error, 'not-sent', true)
    }
  }

  /** Asks the server, by one request that stands alone; see `SftpSession.call`. */
  call<T>(call: Call<T>, settings: CallSettings = {}): Promise<T> {
    if (!this.isLost(this.#session)) return this.#session.call(call, settings)
    return this.current(settings.signal).then((session) => session.call(call, settings))
  }

  /** See `SftpSession.refuseEnded`; where another one is to come, that is no end. */
  refuseEnded(): void {
    if (!this.isLost(this.#session)) this.#session.refuseEnded()
  }

  /** Calls back when the session ends, or at once; while there is none, when the next one does. @returns a function that takes it back */
  onEnd(ended: (cause: HoldfastError) => void): () => void {
    if (!this.isLost(this.#session)) return this.#session.onEnd(ended)
    const watch: { isOver: boolean; takeBack?: () => void } = { isOver: false }
    void this.#watchNext(watch, ended)
    return () => {
      watch.isOver = true
      watch.takeBack?.()
    }
  }

  /** See `SftpSession.onAbort`. */
  onAbort(signal: AbortSignal, aborted: (error: HoldfastError) => void): () => void {
    return this.#session.onAbort(signal, aborted)
  }

  /** See `SftpSession.untilDone`; where the session ended with its connection, nothing is waited for. Never rejects. */
  async untilDone(work: Promise<void>, what: string): Promise<void> {
    if (!this.isLost(this.#session)) await this.#session.untilDone(work, what).catch(() => {})
  }

  /** See `SftpSession.close`. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#opening?.stop.abort()
    await this.#opening?.opened.catch(() => {})
    await this.#session.close()
  }

  async #watchNext(watch: { readonly isOver: boolean; takeBack?: () => void }, ended: (cause: HoldfastError) => void) {
    const session = await this.current().catch(() => undefined)
    if (session !== undefined && !watch.isOver) watch.takeBack = session.onEnd(ended)
  }

  #nextHost(signal: AbortSignal, spentMs: number): Promise<SftpHost> {
    const { next } = this.#options
    if (next === undefined) throw new RangeError('there is no next connection')
    return next(signal, spentMs)
  }

  /** Whoever asks meanwhile waits for the same one, each for as long as its own signal lets it. */
  async #reopen(host: SftpHost, signal: AbortSignal): Promise<void> {
    const wait = host.port.waits.start<void>({
      limit: 'sftp',
      limitMs: false,
      clock: 'call',
      phase: 'request',
      what: 'the next SFTP session',
      signal,
    })
    // Whoever was aborted or closed in between wants no session any more.
    if (wait.pending) {
      this.#opening ??= this.#openNext(host)
      this.#opening.opened.then(
        () => wait.resolve(),
        (error: unknown) => wait.reject(error),
      )
    }
    try {
      await wait.promise
    } catch (error) {
      // That connection was lost as well: there may be another one.
      if (host.port.cause === undefined || signal.aborted) throw error
    }
  }

  #openNext(host: SftpHost): Opening {
    const { signal } = this.#options
    const stop = new AbortController()
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    return { stop, opened: this.#replaceBy(SftpSession.open(host, either)) }
  }

  async #replaceBy(opening: Promise<SftpSession>): Promise<void> {
    try {
      this.#session = await opening
    } finally {
      this.#opening = undefined
    }
  }
}

function closedError(): HoldfastError {
  return new HoldfastError('ERR_SSH_CLOSED', 'the SFTP session was closed', { phase: 'close' })
}
