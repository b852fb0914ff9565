import { asHoldfastError, HoldfastError } from '../errors.js'
import { Deferred } from '../liveness/deferred.js'
import type { Wait } from '../liveness/waits.js'
import type { Receiver } from '../session/direct-output.js'
import { endAttached } from '../session/end-attached.js'
import type { SessionPort } from '../session/port.js'
import type { Attached, Sessions } from '../session/sessions.js'
import { Frames } from '../wire/frames.js'
import { printable } from '../wire/printable.js'
import {
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type KeyAttribute,
  type KnownAttribute,
  type ListedKey,
  type PublicKey,
  protocolVersion,
  type Request,
  type Response,
} from './messages.js'
import { asPublicKeyError, PublicKeyError, publicKeyProtocolError, status } from './publickey-error.js'

/** What the publickey subsystem needs of the client. */
export interface PublicKeyHost {
  readonly port: Pick<SessionPort, 'waits'>
  readonly sessions: Pick<Sessions, 'attach'>
  /** The limits `reply` and `channelClose`, in milliseconds. */
  readonly limitMs: number
  readonly closeLimitMs: number
}

export interface RequestOptions {
  /** What it aborts before it was sent is not sent any more: calls wait for those before them. */
  readonly signal?: AbortSignal | undefined
}

export interface AddOptions extends RequestOptions {
  /** Whether the key may be there already, with other attributes. @default false */
  readonly overwrite?: boolean
  /** A server that does not know one that is critical takes the key not at all. @default none */
  readonly attributes?: readonly (KeyAttribute & { readonly isCritical: boolean })[]
}

/** One request, and what came for it. */
interface Exchange {
  /** Settles with what came once the server says that this was all. */
  readonly wait: Wait<{ readonly code: number; readonly description: string }>
  readonly take: (response: Response) => boolean
  count: number
  bytes: number
}

/** A key with its attributes. */
const maxPacket = 256 * 1024
/** Of one answer: accounts with more keys are not kept by this protocol. */
const maxItems = 10_000
const maxBytes = 4 * 1024 * 1024

/**
 * The keys with which a user may log in, as the publickey subsystem of the server keeps them (RFC 4819), from its start to
 * its end. Answers have no numbers, so there is one request at a time, and one that is not answered ends it.
 */
export class PublicKeys implements Receiver {
  readonly #host: PublicKeyHost
  readonly #frames = new Frames({
    maxLength: maxPacket,
    wrongLength: (length, begin) => this.#lengthError(length, begin),
  })
  /** What the server says first; nothing else may come before. */
  readonly #greeting: Wait<Response>
  #attached: Attached | undefined
  #exchange: Exchange | undefined
  /** The end of the call that the next one waits for; it never fails. */
  #last: Promise<void> = Promise.resolve()
  #cause: HoldfastError | undefined

  /**
   * Starts the subsystem. `signal` holds for its life.
   * @throws CommandError ERR_SSH_REQUEST_REFUSED where the server has none, as most have not; PublicKeyError; HoldfastError
   * ERR_SSH_TIMEOUT (limit `reply`), ERR_SSH_ABORTED, ERR_SSH_PUBLICKEY_PROTOCOL, ERR_SSH_UNSUPPORTED where it speaks an older version
   */
  static async open(host: PublicKeyHost, signal: AbortSignal | undefined): Promise<PublicKeys> {
    const keys = new PublicKeys(host)
    try {
      await keys.#start(signal)
      return keys
    } catch (error) {
      keys.#end(asHoldfastError(error))
      throw error
    }
  }

  private constructor(host: PublicKeyHost) {
    this.#host = host
    this.#greeting = this.#wait('the greeting of the publickey subsystem')
  }

  /** @throws PublicKeyError status 6 where it is there and not to be overwritten; HoldfastError ERR_SSH_TIMEOUT, why it ended */
  async add(key: PublicKey, { overwrite = false, attributes = [], signal }: AddOptions = {}): Promise<void> {
    await this.#call({ type: 'add', key, overwrite, attributes }, signal)
  }

  /** @throws PublicKeyError status 4 where it is not there; HoldfastError ERR_SSH_TIMEOUT, why it ended */
  async remove(key: PublicKey, { signal }: RequestOptions = {}): Promise<void> {
    await this.#call({ type: 'remove', key }, signal)
  }

  /** @throws PublicKeyError; HoldfastError ERR_SSH_TIMEOUT, ERR_SSH_PUBLICKEY_PROTOCOL, why it ended */
  async list({ signal }: RequestOptions = {}): Promise<readonly ListedKey[]> {
    const keys: ListedKey[] = []
    const take = (response: Response) => response.type === 'publickey' && keys.push(response.key) > 0
    await this.#call({ type: 'list' }, signal, take)
    return keys
  }

  /** The attributes that the server knows. @throws as `list` */
  async listAttributes({ signal }: RequestOptions = {}): Promise<readonly KnownAttribute[]> {
    const known: KnownAttribute[] = []
    const take = (response: Response) => response.type === 'attribute' && known.push(response.attribute) > 0
    await this.#call({ type: 'listattributes' }, signal, take)
    return known
  }

  /** Ends the subsystem, and all that waits for it. Settles within the limit `channelClose`, or 3 s later where its end is forced. */
  async close(): Promise<void> {
    const cause = new HoldfastError('ERR_SSH_CLOSED', 'the publickey subsystem was closed', { phase: 'close' })
    this.#settle(cause)
    if (this.#attached === undefined) return
    await endAttached(this.#attached, this.#host, 'the end of the publickey subsystem')
  }

  data(bytes: Buffer): void {
    if (this.#cause !== undefined) return
    try {
      for (const packet of this.#frames.push(bytes)) this.#receive(packet)
    } catch (error) {
      this.#end(asPublicKeyError(error))
    }
  }

  end(): void {
    this.#end(new HoldfastError('ERR_SSH_CHANNEL_CLOSED', 'the publickey subsystem ended', { phase: 'request' }))
  }

  fail(cause: Error): void {
    this.#end(asHoldfastError(cause))
  }

  /** The clock of what was asked for runs also where it is not read. */
  stalled(): void {
    this.#greeting.sent()
    this.#exchange?.wait.sent()
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const attached = await this.#host.sessions.attach('publickey', this, signal)
    this.#attached = attached
    // The session knows why it fails before the server was ended, which its streams wait for.
    attached.session.end.catch((error: unknown) => this.#end(asHoldfastError(error)))
    if (this.#cause !== undefined) {
      // What came with the acceptance was wrong already, before there was a session to end for it.
      attached.session.fail(this.#cause)
      throw this.#cause
    }
    this.#write(encodeResponse({ type: 'version', version: protocolVersion }), this.#greeting)
    this.#agree(await this.#greeting.promise)
  }

  /** The lower version of the two is spoken (RFC 4819). */
  #agree(greeting: Response): void {
    if (greeting.type === 'status')
      throw new PublicKeyError(greeting.code, greeting.description, 'the start of the publickey subsystem')
    if (greeting.type !== 'version') throw publicKeyProtocolError(`it begins with ${greeting.type}, not version`)
    if (greeting.version >= protocolVersion) return
    const description = `only version ${protocolVersion} is spoken here`
    this.#write(encodeResponse({ type: 'status', code: status.VERSION_NOT_SUPPORTED, description }))
    throw new HoldfastError(
      'ERR_SSH_UNSUPPORTED',
      `the server speaks version ${greeting.version} of the publickey subsystem, not ${protocolVersion}`,
    )
  }

  /** Asks once the calls before this one were answered. */
  async #call(request: Request, signal?: AbortSignal, take: Exchange['take'] = () => false): Promise<void> {
    const before = this.#last
    const over = new Deferred<void>()
    this.#last = over.promise
    await before
    try {
      await this.#ask(request, signal, take)
    } finally {
      over.resolve()
    }
  }

  async #ask(request: Request, signal: AbortSignal | undefined, take: Exchange['take']): Promise<void> {
    if (this.#cause !== undefined) throw this.#cause
    const what = `${request.type} of the publickey subsystem`
    if (signal?.aborted)
      throw new HoldfastError('ERR_SSH_ABORTED', `aborted: ${what}`, { phase: 'request', cause: signal.reason })
    const wait: Exchange['wait'] = this.#wait(`the answer to ${what}`)
    this.#exchange = { wait, take, count: 0, bytes: 0 }
    this.#write(encodeRequest(request), wait)
    const { code, description } = await wait.promise.catch((error: unknown) => {
      // What comes later could be taken for the answer to another request.
      this.#end(asHoldfastError(error))
      throw error
    })
    if (code !== status.SUCCESS) throw new PublicKeyError(code, description, what)
  }

  #wait<T>(what: string): Wait<T> {
    const { port, limitMs } = this.#host
    return port.waits.start<T>({ limit: 'reply', limitMs, clock: 'reply', phase: 'request', what })
  }

  #receive(packet: Buffer): void {
    const response = decodeResponse(packet)
    if (this.#greeting.pending) {
      this.#greeting.resolve(response)
      return
    }
    const exchange = this.#exchange
    if (exchange === undefined) throw publicKeyProtocolError(`${response.type} comes, and nothing was asked for`)
    if (response.type !== 'status') {
      this.#take(exchange, response, packet.length)
      return
    }
    this.#exchange = undefined
    exchange.wait.resolve(response)
  }

  #take(exchange: Exchange, response: Response, bytes: number): void {
    exchange.count++
    exchange.bytes += bytes
    if (exchange.count > maxItems || exchange.bytes > maxBytes)
      throw publicKeyProtocolError(`an answer is longer than ${maxItems} entries or ${maxBytes} bytes`)
    if (!exchange.take(response)) throw publicKeyProtocolError(`${response.type} comes, which was not asked for`)
  }

  #write(packet: Buffer, wait?: Pick<Wait<unknown>, 'sent'>): void {
    const { session } = this.#attached ?? {}
    session?.stdin.write(packet, (error) => {
      if (!error) wait?.sent()
    })
    // Behind what waits already this does not begin to wait: nobody will tell of it.
    if (session?.isInputStuck) this.stalled()
  }

  /** Whatever waits is told; the server is ended, if it still runs. */
  #end(cause: HoldfastError): void {
    if (this.#cause !== undefined) return
    this.#settle(cause)
    this.#attached?.session.fail(cause)
  }

  #settle(cause: HoldfastError): void {
    this.#cause ??= cause
    this.#greeting.reject(this.#cause)
    this.#exchange?.wait.reject(this.#cause)
  }

  /** A login script that prints is the one cause of this that people meet. */
  #lengthError(length: number, begin: Buffer): Error {
    const problem = `a packet claims ${length} bytes, where 1 to ${maxPacket} are allowed`
    if (!this.#greeting.pending) return publicKeyProtocolError(problem)
    const text = printable(begin.toString('utf8'), 60)
    return publicKeyProtocolError(`${problem}; what the server sent first reads '${text}'`, {
      hint: 'if that is text, a login script of the account prints it: have it print nothing to what is no terminal',
    })
  }
}
