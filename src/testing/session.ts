import { EventEmitter } from 'node:events'
import type { Channel, ChannelSink } from '../connection/channel.js'
import type { HoldfastError } from '../errors.js'
import {
  decodeEnv,
  decodePtyRequest,
  decodeSignal,
  decodeStart,
  decodeWindowChange,
  encodeExitSignal,
  encodeExitStatus,
} from '../wire/session-messages.js'
import { ChannelReadable, ChannelWritable } from './channel-streams.js'
import { optionError } from './option-checks.js'
import type { CommandEnd, ServerSession, SessionEvents, SessionHandler, TerminalSize } from './session-handler.js'

/** What a session may start. */
export interface Handlers {
  readonly exec: SessionHandler | undefined
  readonly subsystem: (name: string) => SessionHandler | undefined
}

export interface SessionOptions {
  readonly username: string
  readonly connection: { readonly clientPort: number; readonly serverPort: number }
  readonly handlers: Handlers
}

/** More than any program sets, and not so many that a client could fill our memory with them. */
const maxVariables = 1000

/** One session channel in the server role: it collects what the client asks for, and runs the handler on it. */
export class Session extends EventEmitter<SessionEvents> implements ServerSession, ChannelSink {
  readonly username: string
  readonly connection: { readonly clientPort: number; readonly serverPort: number }
  readonly env: Record<string, string> = {}
  readonly stdin: ChannelReadable
  readonly stdout: ChannelWritable
  readonly stderr: ChannelWritable
  readonly #channel: Channel
  readonly #handlers: Handlers
  readonly #gone = new AbortController()
  #command: string | undefined
  #pty: (TerminalSize & { readonly term: string }) | undefined
  #isStarted = false
  #hasExited = false

  constructor(channel: Channel, { username, connection, handlers }: SessionOptions) {
    super()
    this.username = username
    this.connection = connection
    this.#channel = channel
    this.#handlers = handlers
    this.stdin = new ChannelReadable((bytes) => channel.consumed(bytes))
    this.stdout = new ChannelWritable((bytes, sent) => channel.write(bytes, sent))
    this.stderr = new ChannelWritable((bytes, sent) => channel.writeStderr(bytes, sent))
  }

  get command(): string | undefined {
    return this.#command
  }

  get pty(): (TerminalSize & { readonly term: string }) | undefined {
    return this.#pty
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  exit(end: CommandEnd): void {
    if (this.#hasExited) return
    checkEnd(end)
    this.#hasExited = true
    if (end === null) return
    if (typeof end === 'number') this.#channel.notify('exit-status', encodeExitStatus(end))
    else this.#channel.notify('exit-signal', encodeExitSignal(end.signal))
  }

  data(bytes: Buffer): void {
    this.stdin.receive(bytes)
  }

  extendedData(_type: number, bytes: Buffer): void {
    // A client has no second stream to send; what it sends there is nobody's.
    this.#channel.consumed(bytes.length)
  }

  eof(): void {
    this.stdin.end()
  }

  request(type: string, data: Buffer): boolean {
    switch (type) {
      case 'env':
        return this.#setVariable(decodeEnv(data))
      case 'pty-req': {
        const { term, columns, rows } = decodePtyRequest(data)
        this.#pty = { term, columns, rows }
        return true
      }
      case 'window-change':
        return this.#resize(decodeWindowChange(data))
      case 'signal':
        return this.emit('signal', decodeSignal(data))
      case 'shell':
        return this.#start(undefined, this.#handlers.exec)
      case 'exec':
        return this.#start(decodeStart('exec', data), this.#handlers.exec)
      case 'subsystem': {
        const name = decodeStart('subsystem', data)
        return this.#start(name, this.#handlers.subsystem(name))
      }
      default:
        return false
    }
  }

  adjusted(): void {}

  pendingBytes(): number {
    return this.stdout.writableLength + this.stderr.writableLength
  }

  closed(): void {
    this.#end()
  }

  lost(cause: HoldfastError): void {
    this.#end(cause)
  }

  #setVariable({ name, value }: { readonly name: string; readonly value: string }): boolean {
    if (Object.keys(this.env).length >= maxVariables) return false
    this.env[name] = value
    return true
  }

  #resize(size: TerminalSize): boolean {
    if (this.#pty === undefined) return false
    this.#pty = { ...this.#pty, ...size }
    this.emit('resize', size)
    return true
  }

  /** RFC 4254 section 6.5: a session starts one thing. */
  #start(command: string | undefined, handler: SessionHandler | undefined): boolean {
    if (this.#isStarted || handler === undefined) return false
    this.#isStarted = true
    this.#command = command
    // Not before the client was told that the request is granted.
    queueMicrotask(() => void this.#run(handler))
    return true
  }

  async #run(handler: SessionHandler): Promise<void> {
    const end = await this.#outcome(handler)
    await Promise.all([this.stdout.finish(), this.stderr.finish()])
    this.exit(end)
    this.#channel.eof()
    await this.#channel.close()
  }

  async #outcome(handler: SessionHandler): Promise<CommandEnd> {
    try {
      const end = await handler(this)
      return end === undefined ? 0 : checkEnd(end)
    } catch (error) {
      this.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      return 255
    }
  }

  #end(cause?: HoldfastError): void {
    this.#gone.abort(cause)
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(cause)
  }
}

/** A program in JavaScript can give anything, and is to see what was wrong with it, not its test the end of the process. */
function checkEnd(end: CommandEnd): CommandEnd {
  const isCode = typeof end === 'number' && Number.isInteger(end) && end >= 0 && end <= 0xffffffff
  const isSignal = typeof end === 'object' && end !== null && typeof end.signal === 'string'
  if (end === null || isCode || isSignal) return end
  throw optionError(
    'the end',
    "is none: the handler has to give an exit code from 0 on, { signal: 'TERM' }, null, or nothing",
  )
}
