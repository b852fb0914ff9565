import type { Channel, ChannelSink } from '../connection/channel.js'
import type { HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import { extendedDataStderr } from '../wire/connection-messages.js'
import { encodeSignal } from '../wire/session-messages.js'
import { EndWaits } from './end-waits.js'
import { GivenInput, type Input } from './given-input.js'
import { Grace, type GraceSession } from './grace.js'
import { type InputPort, InputStream } from './input.js'
import { type LimitedSession, type ProgressLimits, progressLimits } from './limits.js'
import type { CommandSettings } from './options.js'
import type { CommandExit } from './outcome.js'
import type { Output } from './output.js'
import { Outputs } from './outputs.js'
import type { Tenant } from './places.js'
import type { SessionHost } from './port.js'
import { describe, type Program } from './program.js'
import { eofHangsUp } from './pty.js'
import { decodeExit, type RemoteExit } from './remote-exit.js'
import { Startup } from './startup.js'

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
  /** Called once the channel is open, before anything is asked for on it. */
  readonly opened?: ((channel: Channel) => void) | undefined
  /** Called when its input has begun to wait for a program that does not read it. */
  readonly stalled?: (() => void) | undefined
}

/**
 * One session (RFC 4254 section 6) from the call to its end: the channel of one command, shell or subsystem. It is over once
 * its exit is known and its output has ended, in whichever order, or its channel was closed. It
 * implements the ports of its parts itself: a closure for each callback would be made with every command, and most never run.
 */
export class Session implements Tenant, ChannelSink, InputPort, LimitedSession, GraceSession {
  readonly program: Program
  readonly settings: CommandSettings
  readonly calledAt: number
  readonly startup: Startup
  /** Lasts as long as the session; whether anybody waits for it is the caller's to say. */
  readonly life: Wait<CommandExit>
  /** The channel, once it is open. */
  channel: Channel | undefined
  /** What the server said of the end. */
  exit: RemoteExit | undefined
  hasOutputEnded = false
  /** How it was over, unless its call had failed before. */
  outcome: CommandExit | undefined
  /** Whether the connection ended before the session did. */
  isLost = false
  /** Whether the call has ended although the program may still run. */
  isAbandoned = false
  /** Whether there was no place for it when it was to be opened. */
  hasWaitedForPlace = false
  readonly #host: SessionHost
  /** All of its input, where that is there from the start. */
  readonly #given: Input | undefined
  #stream: InputStream | undefined
  readonly #outputs: Outputs
  readonly #limits: ProgressLimits | undefined
  readonly #stalled: SessionOptions['stalled']
  #endWaits: EndWaits | undefined
  #grace: Grace | undefined
  #isClosed = false
  /** Whether nothing more can end it. */
  #isOver = false

  /** @param input all of its input, where that is known from the start; else it is what is written to `stdin` */
  constructor(options: SessionOptions, input?: Buffer) {
    const { host, settings, program, origin } = options
    const { port } = host
    this.program = program
    this.settings = settings
    this.calledAt = port.now()
    this.startup = new Startup(this, options)
    this.#host = host
    this.#outputs = new Outputs(options, this)
    this.#stalled = options.stalled
    if (input !== undefined) this.#given = new GivenInput(this, input)
    this.life = port.waits.start({
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
  }

  get stdin(): InputStream {
    this.#stream ??= new InputStream(this)
    return this.#stream
  }

  /** What the program is given to read. */
  get input(): Input {
    return this.#given ?? this.stdin
  }

  /** Whether the peer has closed the channel. */
  get isClosed(): boolean {
    return this.#isClosed && !this.channel?.isAbandoned
  }

  get name(): string {
    return describe(this.program)
  }

  /** Whether the peer may send nothing because our side does not read. */
  get isHeldUp(): boolean {
    return this.#outputs.isHeldUp
  }

  /** Whether input waits for a program that does not read it. */
  get isInputStuck(): boolean {
    const channel = this.channel
    return channel !== undefined && channel.isOpen && channel.queuedBytes > 0 && channel.sendWindow === 0
  }

  /** How it ended; rejects with the first cause that it failed for, while the remote side may still run. */
  get end(): Promise<CommandExit> {
    return this.life.promise
  }

  /** For who ends it. */
  get endWaits(): EndWaits {
    this.#endWaits ??= new EndWaits(this.#host.port, this)
    return this.#endWaits
  }

  /** The call fails, for a reason of ours; nothing is sent for that. */
  fail(error: unknown): void {
    this.life.reject(error)
  }

  /** What the program wrote is over, and so is what it can be told. */
  failStreams(cause: Error): void {
    this.#destroyInput(cause)
    this.#outputs.fail(cause)
  }

  waitsForPlace(): void {
    this.hasWaitedForPlace = true
  }

  gone(): void {
    this.#host.runs.ended(this)
    this.#endWaits?.changed()
  }

  /** Nothing of the start is waited for any more, and no limit holds. */
  stopWaiting(): void {
    this.startup.stop()
    this.#stopListening()
  }

  /** What would still come of a stream that its reader has left unread is dropped. */
  dropUnread(): void {
    this.#outputs.dropUnread()
  }

  /** @param name without its SIG */
  signal(name: string): void {
    this.channel?.notify('signal', encodeSignal(name))
  }

  /** The program took bytes of the output. */
  consumed(bytes: number): void {
    const heldUp = this.#outputs.isHeldUp
    this.#outputs.consumed(bytes)
    if (!heldUp) return
    this.#limits?.outputTaken()
    this.#grace?.outputCame()
  }

  /** Closes the channel. Never rejects; see `Channel.close`. */
  close(): Promise<void> {
    return this.channel?.close() ?? Promise.resolve()
  }

  /** @returns who hears of the channel from now on */
  attach(channel: Channel): ChannelSink {
    this.channel = channel
    return this
  }

  data(bytes: Buffer): void {
    this.#outputCame(this.#outputs.stdout, bytes)
  }

  extendedData(type: number, bytes: Buffer): void {
    if (type === extendedDataStderr) this.#outputCame(this.#outputs.stderr, bytes)
    else this.consumed(bytes.length)
  }

  /** It has ended, and its caller is about to hear of that. */
  letGo(): void {
    this.channel?.beginClose()
    // Behind that, or the end of its input would go out as well.
    this.#destroyInput()
  }

  /** No more output comes. */
  eof(): void {
    this.#limits?.progressed()
    this.#outputs.end()
    this.hasOutputEnded = true
    if (this.exit !== undefined) this.complete(false)
    this.#endWaits?.changed()
  }

  request(type: string, data: Buffer): boolean {
    const exit = decodeExit(type, data)
    if (exit === undefined) return false
    this.#limits?.progressed()
    if (this.exit === undefined) this.#exited(exit)
    this.#endWaits?.changed()
    return true
  }

  /** The program takes its input. */
  adjusted(): void {
    this.#limits?.progressed()
    this.#limits?.stdinMoved()
  }

  stalled(): void {
    this.#limits?.stdinMoved()
    this.#stalled?.()
  }

  pendingBytes(): number {
    return (this.#given ?? this.#stream)?.unsentBytes ?? 0
  }

  /** Nothing more comes, whatever is missing. */
  closed(): void {
    if (!this.hasOutputEnded) this.#outputs.end()
    this.#isClosed = true
    this.complete(false)
    this.#endWaits?.changed()
  }

  lost(cause: HoldfastError): void {
    this.isLost = true
    this.fail(cause)
    // Output that had come whole may still be read.
    if (this.outcome === undefined) this.failStreams(cause)
  }

  complete(outputOpen: boolean): void {
    if (this.#isOver) return
    this.#stopListening()
    if (outputOpen) this.#outputs.end()
    const { exitCode, signal } = this.exit ?? { exitCode: null, signal: null }
    this.outcome = { exitCode, signal, outputOpen, durationMs: this.#host.port.now() - this.calledAt }
    // A channel that closes without a status may have been refused: the answer to the request tells, a moment later.
    if (this.exit !== undefined || this.startup.stage === 'running') this.life.resolve(this.outcome)
  }

  sendInput(data: Buffer, sent: () => void): void {
    this.channel?.write(data, () => {
      this.#limits?.stdinMoved()
      sent()
    })
  }

  endInput(): void {
    // Who writes to a stream asks for its end. What was given as a whole, most often nothing, ends unasked.
    const isAsked = this.#given === undefined
    if (isAsked || this.settings.pty === undefined || !eofHangsUp(this.#host.port.negotiated)) this.channel?.eof()
  }

  /** Where nobody has asked for a stream, none is made to be destroyed. */
  #destroyInput(cause?: Error): void {
    ;(this.#given ?? this.#stream)?.destroy(cause)
  }

  #exited(exit: RemoteExit): void {
    this.exit = exit
    this.#host.runs.ended(this)
    if (this.hasOutputEnded) this.complete(false)
    else if (!this.#isOver) this.#grace = new Grace(this.#host.port, this)
  }

  #outputCame(output: Output, bytes: Buffer): void {
    this.startup.outputCame()
    this.#limits?.outputCame()
    this.#grace?.outputCame()
    this.#outputs.deliver(output, bytes)
  }

  #stopListening(): void {
    this.#isOver = true
    this.#limits?.stop()
    this.#grace?.stop()
  }
}
