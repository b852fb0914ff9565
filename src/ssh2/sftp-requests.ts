import { EventEmitter } from 'node:events'
import type { CommandExit } from '../session/outcome.js'
import { type Extension, extensions } from '../sftp/numbers.js'
import type { Reply } from '../sftp/replies.js'
import type { Request } from '../sftp/requests.js'
import type { FileCall } from '../sftp/sftp-error.js'
import type { SftpSession } from '../sftp/sftp-session.js'
import { callError, noResponse, ssh2Error } from './errors.js'
import { statusError } from './sftp-values.js'

/** What a wrapper is made of. */
export interface SftpContext {
  readonly session: SftpSession
  /** What the server says it is. */
  readonly software: string
  /** Runs what may call functions of the program. */
  guard(work: () => void): void
  readonly client: object
  /** How its server will have ended; undefined where that is not known. */
  readonly exited: Promise<CommandExit> | undefined
  /** Resolves once the connection is over; never rejects. */
  readonly connectionOver: Promise<unknown>
  /** Runs it once the end of the connection has been told, where that is over; else at once. */
  afterEnd(work: () => void): void
}

export type Callback<T = void> = (error: Error | undefined, value: T) => void

/** Of whom ssh2 knows that they take what a link says first, unlike the draft. */
const openSsh = /^(?:OpenSSH|dropbear)/

const names: readonly Extension[] = [
  'posixRename',
  'statvfs',
  'fstatvfs',
  'hardlink',
  'fsync',
  'lsetstat',
  'limits',
  'expandPath',
  'copyData',
  'homeDirectory',
  'usersGroupsById',
]

interface RequestOptions {
  /** Gets a reply that came after the call had been given up. */
  readonly late?: (reply: Reply) => void
  readonly isSlow?: boolean
}

/** The requests of one SFTP session, and its end. No reply is waited for beyond the limit `sftp`. */
export abstract class SftpRequests extends EventEmitter {
  readonly server = false
  readonly type = 'session'
  readonly subtype = 'subsystem'
  readonly outgoing: { state: 'open' | 'closed' } = { state: 'open' }
  readonly incoming: { state: 'open' | 'closed' } = { state: 'open' }
  /** @internal */
  readonly _client: object
  readonly #session: SftpSession
  readonly #guard: (work: () => void) => void
  readonly #isOpenSsh: boolean
  readonly #afterEnd: (work: () => void) => void
  #isOver = false
  #exit: readonly [code: number | null, signal?: string] | undefined

  /** @internal */
  constructor(context: SftpContext) {
    super()
    const { session, client, connectionOver } = context
    this._client = client
    this.#session = session
    this.#isOpenSsh = openSsh.test(context.software)
    this.#guard = (work) => context.guard(work)
    this.#afterEnd = (work) => context.afterEnd(work)
    void context.exited?.then(
      ({ exitCode, signal }) => {
        this.#exit = signal === null ? [exitCode] : [exitCode, signal]
      },
      () => {},
    )
    session.onEnd((cause) => {
      // What a server did wrong on this channel alone ends no program that does not listen.
      if (cause.code === 'ERR_SSH_SFTP_PROTOCOL' && this.listenerCount('error') > 0)
        this.#tell('error', Object.assign(ssh2Error(cause.message, { cause }), { level: 'sftp-protocol' }))
      // One that the program ended is over once the server ended too.
      if (this.outgoing.state !== 'open') return
      // The end of the connection comes before that of what ran on it, as with ssh2.
      if (cause.code === 'ERR_SSH_CLOSED') void connectionOver.then(() => this.#afterEnd(() => this.#over()))
      // In the turn after that in which the connection ends, so that it knows of its end.
      else queueMicrotask(() => this.#afterEnd(() => this.#over()))
    })
  }

  /** Bytes that one READ may ask for, and one WRITE may carry. */
  get _maxReadLen(): number {
    return this.#session.sizes.read
  }

  get _maxWriteLen(): number {
    return this.#session.sizes.write
  }

  /** What the server offers, by name. */
  get _extensions(): Readonly<Record<string, string>> {
    return Object.fromEntries(names.filter((name) => this.#session.has(name)).map((name) => extensions[name]))
  }

  /** Ends the session, in order and within the limit of a channel's close. */
  end(): void {
    if (this.outgoing.state !== 'open') return
    this.outgoing.state = 'closed'
    void this.#session.close().then(() => this.#over())
  }

  destroy(): void {
    this.end()
  }

  /** @throws Error where the server does not offer it, as ssh2 does: at once */
  protected require(extension: Extension): void {
    if (!this.#session.has(extension)) throw new Error('Server does not support this extended request')
  }

  protected get linkComesFirst(): boolean {
    return !this.#isOpenSsh
  }

  /** Rejects with an error as ssh2 gives it. */
  protected async ask<T>(
    what: FileCall,
    request: Request,
    result: (reply: Reply) => T,
    { late, isSlow = false }: RequestOptions = {},
  ): Promise<T> {
    try {
      return await this.#session.call({ what, request, result, late }, { isSlow })
    } catch (error) {
      throw callError(error, noResponse(error))
    }
  }

  /** Calls back once. */
  protected deliver<T>(call: Promise<T>, callback: unknown): void {
    call.then(
      // As ssh2: without arguments where there is nothing to tell, which programs can count.
      (value) => this.#callBack(callback, value === undefined ? [] : [undefined, value]),
      (error: unknown) => this.callBack(callback, error),
    )
  }

  protected callBack(callback: unknown, ...args: readonly unknown[]): void {
    if (args[0] instanceof Error) this.#afterEnd(() => this.#callBack(callback, args))
    else this.#callBack(callback, args)
  }

  #callBack(callback: unknown, args: readonly unknown[]): void {
    if (typeof callback === 'function') this.#guard(() => void Reflect.apply(callback, this, args))
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.outgoing.state = 'closed'
    this.incoming.state = 'closed'
    // Later, so that calls which fail by it are told before.
    setImmediate(() => {
      const exit = this.#exit
      if (exit !== undefined) this.#tell('exit', ...exit)
      this.#tell('end')
      this.#tell('close', ...(exit ?? [undefined]))
    })
  }

  #tell(event: string, ...args: readonly unknown[]): void {
    this.#guard(() => void this.emit(event, ...args))
  }
}

/** The reply that is to come. @throws Ssh2Error for any other */
export function expected<Type extends Reply['type']>(
  type: Type,
  reply: Reply,
): Extract<Reply, { readonly type: Type }> {
  if (isReply(reply, type)) return reply
  if (reply.type === 'STATUS') throw statusError(reply.code, reply.message)
  throw ssh2Error(`Unexpected reply ${reply.type}`)
}

function isReply<Type extends Reply['type']>(
  reply: Reply,
  type: Type,
): reply is Extract<Reply, { readonly type: Type }> {
  return reply.type === type
}

/** @throws Ssh2Error unless it says that all went well */
export function done(reply: Reply): void {
  const { code, message } = expected('STATUS', reply)
  if (code !== 0) throw statusError(code, message)
}
