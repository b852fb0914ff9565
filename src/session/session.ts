import type { Channel, ChannelSink } from '../connection/channel.js'
import type { Delivery, HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import { extendedDataStderr } from '../wire/connection-messages.js'
import { encodeSignal, encodeWindowChange, type TerminalSize } from '../wire/session-messages.js'
import { type CompletedSession, Completion } from './completion.js'
import { GivenInput, type Input } from './given-input.js'
import { type InputPort, InputStream } from './input.js'
import { type LimitedSession, type ProgressLimits, progressLimits } from './limits.js'
import { News } from './news.js'
import type { CommandSettings, SecondSession } from './options.js'
import type { CommandExit } from './outcome.js'
import type { Output } from './output.js'
import { Outputs } from './outputs.js'
import type { Tenant } from './places.js'
import type { SessionHost, SessionPort } from './port.js'
import { describe, type Program } from './program.js'
import { decodeExit, type RemoteExit } from './remote-exit.js'
import { type Stage, Start } from './start.js'

export interface SessionOptions {
  readonly host: SessionHost
  readonly program: Program
  readonly settings: CommandSettings
  readonly stdout: Output
  readonly stderr: Output
  /** Where the call was made: an error made at a limit would show the timer's stack. */
  readonly origin: Error
  /** Whether it waits for a place where the server allows no more sessions, or fails. @default 'wait' */
  readonly place?: 'wait' | 'now'
}

/**
 * One session (RFC 4254 section 6) from the call to its end: the channel of one command, shell or subsystem. It is what its
 * parts tell of what happens, without a function between for each: a command makes all of them, and most run but once.
 */
export class Session implements Tenant, ChannelSink, InputPort, LimitedSession, CompletedSession {
  readonly program: Program
  readonly calledAt: number
  readonly #options: SessionOptions
  readonly #port: SessionPort
  readonly #given: Input | undefined
  #stream: InputStream | undefined
  readonly #start: Start
  readonly #outputs: Outputs
  readonly #limits: ProgressLimits | undefined
  readonly #completion: Completion
  /** Lasts as long as the session; whether anybody waits for it is the caller's to say. */
  readonly #life: Wait<CommandExit>
  readonly #news: News
  #channel: Channel | undefined
  /** The end, where it came before we saw that the server had accepted the program. */
  #earlyEnd: CommandExit | undefined
  /** Whether output came since the program was asked for. */
  #hasOutput = false
  /** Whether the connection ended before the session did. */
  #isLost = false
  #outputOpen = false
  #isComplete = false
  #isAbandoned = false

  /** @param input all of its input, where that is known from the start; else it is what is written to `stdin` */
  constructor(options: SessionOptions, input?: Buffer) {
    const { host, settings, program, origin } = options
    const { port } = host
    this.#options = options
    this.#port = port
    this.program = program
    this.calledAt = port.now()
    this.#start = new Start(this, options)
    this.#outputs = new Outputs(options, this)
    this.#news = new News(port)
    if (input !== undefined) this.#given = new GivenInput(this, input)
    this.#life = port.waits.start({
      limit: 'timeout',
      limitMs: settings.limits.timeout,
      clock: 'call',
      phase: 'command',
      what: 'the end of the command',
      signal: settings.signal,
      origin,
      isAwaited: false,
    })
    this.#limits = progressLimits(port, settings.limits, this)
    this.#completion = new Completion(port, this)
  }

  get stdin(): InputStream {
    this.#stream ??= new InputStream(this)
    return this.#stream
  }

  /** What the program is given to read. */
  get input(): Input {
    return this.#given ?? this.stdin
  }

  get stage(): Stage {
    return this.#start.stage
  }

  /** Whether the server has run it. A request that waits here still goes out, unless the connection is lost. */
  get delivery(): Delivery {
    if (this.stage === 'running') return 'ran'
    if (this.stage !== 'requested') return 'not-sent'
    if (this.exit !== undefined || this.#hasOutput) return 'ran'
    return this.#isLost && !this.#start.isHandedOut ? 'not-sent' : 'unknown'
  }

  /** Variables that the server would not set. */
  get refusedEnv(): readonly string[] {
    return this.#start.refusedEnv
  }

  /** Whether output was still open when we stopped listening. */
  get outputOpen(): boolean {
    return this.#outputOpen
  }

  /** What the server said of the end. */
  get exit(): RemoteExit | undefined {
    return this.#completion.exit
  }

  /** Whether the call has ended although the program may still run. */
  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  get name(): string {
    return describe(this.program)
  }

  get secondSession(): SecondSession {
    return this.#options.settings.secondSession
  }

  /** Whether the peer may send nothing because our side does not read. */
  get isHeldUp(): boolean {
    return this.#outputs.isHeldUp
  }

  /** The channel, once it is open. */
  get channel(): Channel | undefined {
    return this.#channel
  }

  /** Whether input waits for a program that does not read it. */
  get isInputStuck(): boolean {
    const channel = this.#channel
    return channel !== undefined && channel.isOpen && channel.queuedBytes > 0 && channel.sendWindow === 0
  }

  /** Whether the peer has closed the channel. */
  get isClosed(): boolean {
    return this.#completion.isClosed && !this.#channel?.isAbandoned
  }

  /** How it ended; rejects with the first cause that it failed for, while the remote side may still run. */
  get end(): Promise<CommandExit> {
    return this.#life.promise
  }

  /** A caller waits for the end: the process must not end before it. */
  await(): void {
    this.#life.await()
  }

  /** The call fails, for a reason of ours; nothing is sent for that. */
  fail(error: unknown): void {
    this.#life.reject(error)
  }

  /** What the program wrote is over, and so is what it can be told. */
  failStreams(cause: Error): void {
    this.input.destroy(cause)
    this.#outputs.fail(cause)
  }

  /** The call ends, and the program may go on. */
  abandon(): void {
    this.#isAbandoned = true
  }

  gone(): void {
    this.#options.host.runs.ended(this)
    this.#news.came()
  }

  /** Nothing of the start is waited for any more, and no limit holds. */
  stopWaiting(): void {
    this.#start.stop()
    this.#limits?.stop()
    this.#completion.stop()
  }

  /** Opens the channel and asks for the program; a failure fails the session. @returns whether the server accepted it */
  async start(): Promise<boolean> {
    // Its signal had aborted, or the connection was over, before the call.
    if (!this.#life.pending) return false
    try {
      await this.#start.run()
      if (this.#earlyEnd !== undefined) this.#life.resolve(this.#earlyEnd)
      return true
    } catch (error) {
      this.#start.failed(error)
      this.fail(error)
      return false
    }
  }

  /** @param name without its SIG */
  signal(name: string): void {
    this.#channel?.notify('signal', encodeSignal(name))
  }

  resize(size: TerminalSize): void {
    this.#channel?.notify('window-change', encodeWindowChange(size))
  }

  /** The program took bytes of the output. */
  consumed(bytes: number): void {
    const heldUp = this.#outputs.isHeldUp
    this.#outputs.consumed(bytes)
    if (!heldUp) return
    this.#limits?.outputTaken()
    this.#completion.outputCame()
  }

  /** Closes the channel. Never rejects; see `Channel.close`. */
  close(): Promise<void> {
    return this.#channel?.close() ?? Promise.resolve()
  }

  /** Waits until the server said that the program ended, or closed the channel. @returns false when the time is over first */
  ended(limitMs: number): Promise<boolean> {
    return this.#news.until(() => this.exit !== undefined || this.isClosed, limitMs)
  }

  /**
   * Waits until the program has ended and nothing holds its output open. Output for which nobody waits any more must not
   * hide that: what would still come of a stream that its reader has left unread is dropped.
   * @returns false when the time is over first
   */
  over(limitMs: number): Promise<boolean> {
    this.#outputs.dropUnread()
    return this.#news.until(() => this.#completion.hasEnded || this.isClosed, limitMs)
  }

  /** @returns who hears of the channel from now on */
  attach(channel: Channel): ChannelSink {
    this.#channel = channel
    return this
  }

  data(bytes: Buffer): void {
    this.#outputCame(this.#outputs.stdout, bytes)
  }

  extendedData(type: number, bytes: Buffer): void {
    if (type === extendedDataStderr) this.#outputCame(this.#outputs.stderr, bytes)
    else this.consumed(bytes.length)
  }

  /** No more output comes. */
  eof(): void {
    this.#limits?.progressed()
    this.#outputs.end()
    this.#completion.outputEnded()
    this.#newsCame()
  }

  request(type: string, data: Buffer): boolean {
    const exit = decodeExit(type, data)
    if (exit === undefined) return false
    this.#limits?.progressed()
    this.#completion.exited(exit)
    this.#newsCame()
    return true
  }

  /** The program takes its input. */
  adjusted(): void {
    this.#limits?.progressed()
    this.#limits?.stdinMoved()
  }

  stalled(): void {
    this.#limits?.stdinMoved()
  }

  pendingBytes(): number {
    return this.input.unsentBytes
  }

  closed(): void {
    this.#outputs.end()
    this.#completion.closed()
    if (this.isClosed) this.#newsCame()
  }

  lost(cause: HoldfastError): void {
    this.#isLost = true
    this.fail(cause)
    // Output that had come whole may still be read.
    if (!this.#isComplete) this.failStreams(cause)
  }

  complete(outputOpen: boolean): void {
    this.#isComplete = true
    this.#limits?.stop()
    this.#outputs.end()
    // Most often the peer's CLOSE has come with what ended this: then ours is an answer, and nothing is to be waited for.
    queueMicrotask(() => {
      this.#channel?.beginClose()
      // Behind that, or the end of its input would go out as well.
      this.input.destroy()
    })
    this.#outputOpen = outputOpen
    const { exitCode, signal } = this.exit ?? { exitCode: null, signal: null }
    const end = { exitCode, signal, outputOpen, durationMs: this.#port.now() - this.calledAt }
    // A channel that closes without a status may have been refused: the answer to the request tells, a moment later.
    if (this.exit === undefined && this.stage !== 'running') this.#earlyEnd = end
    else this.#life.resolve(end)
  }

  sendInput(data: Buffer, sent: () => void): void {
    this.#channel?.write(data, () => {
      this.#limits?.stdinMoved()
      sent()
    })
  }

  endInput(): void {
    this.#channel?.eof()
  }

  #outputCame(output: Output, bytes: Buffer): void {
    if (this.stage === 'requested') this.#hasOutput = true
    this.#limits?.outputCame()
    this.#completion.outputCame()
    this.#outputs.deliver(output, bytes)
  }

  #newsCame(): void {
    if (this.exit !== undefined) this.#options.host.runs.ended(this)
    this.#news.came()
  }
}
