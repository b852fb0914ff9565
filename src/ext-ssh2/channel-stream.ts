import { Duplex, finished } from 'node:stream'
import { HoldfastError } from '../errors.js'
import type { Waits } from '../liveness/waits.js'
import type { Command } from '../session/command.js'
import type { CommandExit } from '../session/outcome.js'
import { StderrStream } from './stderr-stream.js'

type Callback = (error?: Error | null) => void

/** What a server takes between the end of the output and the exit status, which it sends one after the other. */
const exitMs = 1000

export interface ChannelStreamOptions {
  readonly hasPty: boolean
  readonly waits: Waits
}

/**
 * A command or shell as a stream, PHP's `SSH2 Channel`: what is read is its output, what is written its input. Its end comes
 * with the exit status where the command ends with its output. `destroy()` leaves a command to its own end, as the end of a
 * stream does in PHP; one with a terminal is hung up, and one whose input would be cut short is ended.
 */
export class Ssh2ChannelStream extends Duplex {
  readonly stderr: StderrStream
  readonly #command: Command
  readonly #options: ChannelStreamOptions
  readonly #exited: Promise<unknown>
  #exit: CommandExit | undefined
  /** Bytes that the command's input was given and that still count as this stream's. */
  #handedOver = 0
  #isOver = false
  #isWanted = false
  #isEnding = false

  /** @internal */
  constructor(command: Command, options: ChannelStreamOptions) {
    super({ writableHighWaterMark: 64 * 1024 })
    this.#command = command
    this.#options = options
    this.stderr = new StderrStream(command.stderr)
    // A failure must not end a program that does not listen; those that do hear it all the same.
    this.on('error', () => {})
    command.stdout.on('readable', () => this.#pushWanted())
    command.stdout.once('end', () => this.#pushWanted())
    this.#exited = this.#follow()
  }

  /** How the command ended; undefined while that is not known. */
  get exit(): CommandExit | undefined {
    return this.#exit
  }

  get command(): Command {
    return this.#command
  }

  override _read(): void {
    this.#isWanted = true
    this.#pushWanted()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#handedOver = chunk.length
    this.#command.stdin.write(chunk, (error) => {
      this.#handedOver = 0
      if (!error) done()
      // Who reads and writes by turns finds the output still there, which a failed write would throw away.
      else if (!this.destroyed && this.emit('refused', error)) done()
      else this.#onceRead(() => done(error))
    })
  }

  override _final(done: Callback): void {
    this.#command.stdin.end()
    done()
  }

  override _destroy(error: Error | null, done: Callback): void {
    const { stdin, stdout } = this.#command
    if (this.#isOver) return done(error)
    if (this.#options.hasPty) return void this.#hangUp(error, done)
    // Half of its input must not look whole to it. What the input was given still goes out.
    const failure = error ?? (this.writableLength > this.#handedOver ? cutShort() : null)
    if (failure === null) stdin.end()
    else stdin.destroy(failure)
    stdout.destroy()
    this.stderr.left()
    done(error)
  }

  async #follow(): Promise<void> {
    try {
      this.#exit = await this.#command.exited
      this.#isOver = true
      // Nothing that is written any more would reach anybody.
      if (this.readableEnded) this.end()
      else this.once('end', () => this.end())
    } catch (error) {
      this.#isOver = true
      this.destroy(error instanceof Error ? error : undefined)
    }
  }

  async #hangUp(error: Error | null, done: Callback): Promise<void> {
    this.#command.kill('SIGHUP')
    await this.#command[Symbol.asyncDispose]()
    done(error)
  }

  #pushWanted(): void {
    const { stdout } = this.#command
    while (this.#isWanted && !this.destroyed) {
      const bytes: unknown = stdout.read()
      if (bytes === null) break
      // Set before: a listener that reads asks for more from inside.
      this.#isWanted = false
      if (this.push(bytes)) this.#isWanted = true
    }
    if (stdout.readableEnded && this.#isWanted) void this.#pushEnd()
  }

  /** Not before the exit status, which a program asks for next, but for a command that lives on without its output. */
  async #pushEnd(): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    const wait = this.#options.waits.start<void>({
      limit: 'reply',
      limitMs: exitMs,
      clock: 'reply',
      phase: 'command',
      what: 'the exit status',
      isAwaited: false,
    })
    wait.sent()
    void this.#exited.then(() => wait.resolve())
    await wait.promise.catch(() => {})
    if (!this.destroyed) this.push(null)
  }

  /** Output that came before is read first; a writer that does not read learns of it at once. */
  #onceRead(fail: () => void): void {
    if (this.destroyed || this.readableEnded || this.readableFlowing === null) fail()
    else finished(this, { writable: false }, fail)
  }
}

function cutShort(): HoldfastError {
  const text = 'the stream was closed before the command was given all that was written'
  const hint = 'await fwrite() before fclose(), and give it the time that the command takes to read'
  return new HoldfastError('ERR_SSH_ABORTED', text, { phase: 'command', hint })
}
