import { asHoldfastError, HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import type { Receiver } from '../session/direct-output.js'
import { endAttached, untilDone } from '../session/end-attached.js'
import type { SessionPort } from '../session/port.js'
import type { Attached, Sessions } from '../session/sessions.js'
import { release } from '../socket/release.js'
import { printable } from '../wire/printable.js'
import { Writer } from '../wire/writer.js'
import { decodeLimits, type ServerLimits } from './extension-data.js'
import { Flow } from './flow.js'
import { type Extension, extensions, protocolVersion, status } from './numbers.js'
import { PacketMemory } from './packet-memory.js'
import { Packets } from './packets.js'
import type { Requester, RequestSettings } from './pending-request.js'
import type { Reply } from './replies.js'
import { type Call, RequestTable } from './request-table.js'
import { encodeInit, extended, type Request, writeOverhead } from './requests.js'
import { asSftpError, describe, type FileCall, SftpError, withDelivery } from './sftp-error.js'
import { decodeVersion, type Version } from './version.js'

/** What an SFTP session needs of the client. */
export interface SftpHost {
  readonly port: Pick<SessionPort, 'waits' | 'negotiated' | 'errorDetails' | 'cause' | 'now'>
  readonly sessions: Pick<Sessions, 'attach'>
  /** The limits `sftp` and `channelClose`, in milliseconds. */
  readonly limitMs: number
  readonly closeLimitMs: number
  /** Told that something which the server offers cannot be used, and why; what is common is done in its place. */
  fellBack(what: string, why: string): void
  /** Given how the server will have ended; nobody needs to handle that. */
  started?(exited: Attached['exited']): void
}

/** How much one request may carry, in bytes. */
interface Sizes {
  readonly read: number
  readonly write: number
}

/** What the draft wants every server to take; OpenSSH says that it takes 255 KiB. */
const unsaidSize = 32 * 1024
const maxSize = 255 * 1024

/** What a server may take its time for: a whole file goes to the disk, or is copied. */
const slowLimitMs = 120_000

/** How a call is made besides what it asks for. */
export interface CallSettings {
  readonly signal?: AbortSignal | undefined
  /** Whether the server may have much to do for it. @default false */
  readonly isSlow?: boolean | undefined
  /** See `RequestSettings`. @default false */
  readonly goesAnyway?: boolean | undefined
  /** Whose stack an error is to show: one for all that a program's call asks for. @default made for each request */
  readonly origin?: Error | undefined
}

/** One SFTP subsystem, from its start to its end: packets in, packets out, and who waits for which. */
export class SftpSession implements Receiver {
  readonly #host: SftpHost
  readonly #requests: RequestTable
  readonly #memory = new PacketMemory()
  readonly #packets = new Packets(this.#memory)
  /** How much may be under way, by how far the server is. */
  readonly flow = new Flow(() => this.#requests.freeIfIdle())
  /** What the server says first; nothing else may come before. */
  readonly #greeting: Wait<Version>
  /** What came last, and was copied: only later, since whoever gave it still looks at how long it is. */
  #copied: Buffer | undefined
  /** Who waits for the program, and no reply. */
  readonly #bystanders = new Set<{ reject(cause: HoldfastError): void }>()
  #attached: Attached | undefined
  #extensions: Version['extensions'] = new Map()
  #keepsOrder = false
  #sizes: Sizes = { read: unsaidSize, write: unsaidSize }
  #cause: HoldfastError | undefined

  /** @throws CommandError, HoldfastError ERR_SSH_TIMEOUT, ERR_SSH_SFTP_PROTOCOL, ERR_SSH_UNSUPPORTED */
  static async open(host: SftpHost, signal: AbortSignal | undefined): Promise<SftpSession> {
    const session = new SftpSession(host)
    try {
      await session.#start(signal)
      return session
    } catch (error) {
      session.#end(asHoldfastError(error))
      throw error
    }
  }

  private constructor(host: SftpHost) {
    const session = () => this.#attached?.session
    this.#host = host
    this.#requests = new RequestTable({
      waits: host.port.waits,
      get isFull() {
        return session()?.stdin.writableNeedDrain ?? true
      },
      get isStuck() {
        return session()?.isInputStuck ?? false
      },
      get isLost() {
        const { cause } = host.port
        // An orderly end still sends what it was given.
        return cause !== undefined && cause.code !== 'ERR_SSH_CLOSED'
      },
      now: () => host.port.now(),
      flow: this.flow,
      memory: this.#memory,
      write: (packet, sent) => this.#write(packet, sent),
    })
    this.#greeting = host.port.waits.start({
      limit: 'sftp',
      limitMs: host.limitMs,
      clock: 'reply',
      phase: 'request',
      what: 'the greeting of the SFTP server',
    })
  }

  /** Whether it is over because its connection is. */
  get endedWithConnection(): boolean {
    return this.#cause !== undefined && this.#host.port.cause !== undefined
  }

  /** Bytes that one READ or WRITE may carry. */
  get sizes(): Sizes {
    return this.#sizes
  }

  /** OpenSSH sends what a link says first, and the draft where it is; AsyncSSH does as the draft, unless the client is OpenSSH. */
  get linkComesFirst(): boolean {
    return this.#host.port.negotiated?.peer.includes('AsyncSSH') ?? false
  }

  /**
   * Whether it works on requests in the order in which they come, as OpenSSH's own does, told by what it alone offers: what
   * builds on a request may be asked for behind it. The draft wants that of all (section 6.1); but others work side by side.
   */
  get keepsOrder(): boolean {
    return this.#keepsOrder
  }

  /** Who the server is, as the program named it. */
  get host(): string {
    return this.#host.port.errorDetails().host ?? ''
  }

  has(extension: Extension): boolean {
    const [name, version] = extensions[extension]
    return this.#extensions.get(name) === version
  }

  /** @throws SftpError ENOTSUP */
  require(extension: Extension, what: FileCall): void {
    if (this.has(extension)) return
    throw new SftpError(status.OP_UNSUPPORTED, `the server does not offer ${extensions[extension][0]}`, what)
  }

  /** Asks the server. @throws SftpError; HoldfastError ERR_SSH_TIMEOUT (limit `sftp`), ERR_SSH_ABORTED, why it ended */
  call<T>(call: Call<T>, settings: CallSettings = {}): Promise<T> {
    return this.#requests.call(call, this.#resolved(settings))
  }

  /** The same, for who needs no promise: see `RequestTable.request`. */
  request(requester: Requester, request: Request, settings: CallSettings): void {
    this.#requests.request(requester, request, this.#resolved(settings))
  }

  #resolved({ signal, isSlow, goesAnyway = false, origin = new Error('called') }: CallSettings): RequestSettings {
    const { limitMs } = this.#host
    return { signal, limitMs: isSlow === true ? Math.max(limitMs, slowLimitMs) : limitMs, goesAnyway, origin }
  }

  /** Waits for data that the program is to give, for as long as it takes: an abort ends that, and the end of the session. */
  async given<T>(next: Promise<T>, what: FileCall, signal: AbortSignal | undefined): Promise<T> {
    const wait = this.#host.port.waits.start<T>({
      limit: 'sftp',
      limitMs: false,
      clock: 'call',
      phase: 'request',
      what: `the data for ${describe(what)}`,
      signal,
      isAwaited: false,
    })
    next.then(
      (value) => wait.resolve(value),
      (error: unknown) => wait.reject(error),
    )
    if (this.#cause !== undefined) wait.reject(this.#cause)
    this.#bystanders.add(wait)
    try {
      return await wait.promise
    } finally {
      this.#bystanders.delete(wait)
    }
  }

  /** Nobody looks any more at what a READ brought: its memory is for the next one. */
  giveBack(bytes: Buffer): void {
    if (!this.#requests.isIdle) this.#memory.giveBack(bytes)
  }

  /** Before work that takes several requests is begun. @throws why it ended */
  refuseEnded(): void {
    if (this.#cause !== undefined) throw withDelivery(this.#cause, 'not-sent', true)
  }

  /** Calls back when the session ends, or at once. @returns a function that takes it back */
  onEnd(ended: (cause: HoldfastError) => void): () => void {
    const bystander = { reject: ended }
    if (this.#cause === undefined) this.#bystanders.add(bystander)
    else ended(this.#cause)
    return () => void this.#bystanders.delete(bystander)
  }

  /** Calls back when a signal aborts, or at once. @returns a function that takes it back */
  onAbort(signal: AbortSignal, aborted: (error: HoldfastError) => void): () => void {
    const tell = (cause: unknown) =>
      aborted(new HoldfastError('ERR_SSH_ABORTED', 'aborted: the stream of a file', { phase: 'request', cause }))
    if (signal.aborted) tell(signal.reason)
    return signal.aborted ? ignore : this.#host.port.waits.onAbort(signal, tell)
  }

  /** Ends the server in order, for at most as long as a channel may take to close; then by force. Never rejects. */
  async close(): Promise<void> {
    this.#cause ??= new HoldfastError('ERR_SSH_CLOSED', 'the SFTP session was closed', { phase: 'close' })
    this.#settle(this.#cause)
    if (this.#attached === undefined) return
    await endAttached(this.#attached, this.#host, 'the end of the SFTP server')
  }

  /** Waits for what the server is to do at an end, as `untilDone` of any subsystem. */
  untilDone(work: Promise<void>, what: string): Promise<void> {
    return untilDone(work, this.#host, what)
  }

  data(bytes: Buffer): void {
    if (this.#cause !== undefined) return
    try {
      this.#releaseCopied()
      this.#packets.push(bytes, (packet) => this.#receive(packet))
      this.#copied = bytes
      if (this.#requests.isIdle) queueMicrotask(() => this.#releaseCopied())
    } catch (error) {
      this.#end(asSftpError(error))
    }
  }

  end(): void {
    this.#end(new HoldfastError('ERR_SSH_CHANNEL_CLOSED', 'the SFTP server ended', { phase: 'request' }))
  }

  fail(cause: Error): void {
    this.#end(asHoldfastError(cause))
  }

  stalled(): void {
    this.#requests.stalled()
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const attached = await this.#host.sessions.attach('sftp', this, signal)
    this.#attached = attached
    this.#host.started?.(attached.exited)
    // The session knows why it fails before the server was ended, which its streams wait for.
    attached.session.end.catch((error: unknown) => this.#end(asHoldfastError(error)))
    attached.session.stdin.on('drain', () => this.#requests.pump())
    if (this.#cause !== undefined) {
      // What came with the acceptance was wrong already, before there was a session to end for it.
      attached.session.fail(this.#cause)
      throw this.#cause
    }
    this.#write(encodeInit(), (error) => {
      if (!error) this.#greeting.sent()
    })
    const { version, extensions: offered } = await this.#greeting.promise
    if (version !== protocolVersion)
      throw new HoldfastError('ERR_SSH_UNSUPPORTED', `the server speaks version ${version} of SFTP, not 3`)
    this.#extensions = offered
    const isOpenSsh = this.#host.port.negotiated?.peer.startsWith('OpenSSH_') ?? false
    this.#keepsOrder = isOpenSsh && this.has('limits') && this.has('lsetstat')
    this.#sizes = await this.#askSizes(signal)
  }

  async #askSizes(signal: AbortSignal | undefined): Promise<Sizes> {
    if (!this.has('limits')) return this.#sizes
    const request = extended('limits', new Writer(0))
    const said = await this.call({ what: { syscall: 'limits' }, request, result: limitsIn }, { signal })
    if (typeof said === 'string') {
      this.#host.fellBack(extensions.limits[0], said)
      return this.#sizes
    }
    const { packet, read, write } = said
    // The reply to READ has less around its data than a WRITE.
    const most = packet === 0n ? maxSize : Math.max(1, Number(packet) - writeOverhead)
    return { read: Math.min(sizeOf(read), most), write: Math.min(sizeOf(write), most) }
  }

  #releaseCopied(): void {
    if (this.#copied !== undefined) release(this.#copied)
    this.#copied = undefined
  }

  #receive(packet: Buffer): void {
    if (this.#greeting.pending) this.#greeting.resolve(decodeVersion(packet))
    else this.#requests.receive(packet)
  }

  #write(packet: Buffer, sent: (error?: Error | null) => void): void {
    this.#attached?.session.stdin.write(packet, sent)
  }

  /** Whatever waits is told; the server is ended, if it still runs. */
  #end(cause: HoldfastError): void {
    if (this.#cause !== undefined) return
    this.#cause = cause
    this.#settle(cause)
    this.#attached?.session.fail(cause)
  }

  #settle(cause: HoldfastError): void {
    this.#greeting.reject(cause)
    this.#requests.end(cause)
    for (const wait of this.#bystanders) wait.reject(cause)
    queueMicrotask(() => this.#releaseCopied())
  }
}

/** What a server says of its limits, or why that is of no use: then it has none but those of the draft. */
function limitsIn(reply: Reply): ServerLimits | string {
  if (reply.type === 'STATUS') return `the server answers with status ${reply.code} '${printable(reply.message, 100)}'`
  if (reply.type !== 'EXTENDED_REPLY') return `the server answers with ${reply.type}`
  try {
    return decodeLimits(reply.data)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** 0 is no limit. */
function sizeOf(limit: bigint): number {
  return limit === 0n || limit > BigInt(maxSize) ? maxSize : Number(limit)
}

function ignore(): void {}
