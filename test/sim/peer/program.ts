import type { Channel, ChannelSink } from '#src/connection/channel.js'
import { decodeSignal, encodeExitSignal, encodeExitStatus } from '#src/wire/session-messages.js'
import type { Process } from '../machine/process.js'
import { matches, pattern, pieceMax, streamOf } from '../pattern.js'
import type { CommandPlan } from '../plan.js'

/** What the server's side knows of a command: the truth about what was written and read there. */
export interface ProgramRecord {
  readonly command: number
  stdout: number
  stderr: number
  stdin: number
  /** The input that came is the one that was sent, as far as it came. */
  inputIntact: boolean
  inputEnded: boolean
  /** It has ended, and writes nothing more. */
  isDone: boolean
  /** Its output is over: nothing holds it open. */
  isWhole: boolean
  heardAfterEnd: string | undefined
}

function freshRecord(command: number): ProgramRecord {
  return {
    command,
    stdout: 0,
    stderr: 0,
    stdin: 0,
    inputIntact: true,
    inputEnded: false,
    isDone: false,
    isWhole: false,
    heardAfterEnd: undefined,
  }
}

/** A program on the server, behind one session channel. */
export class RemoteProgram implements ChannelSink {
  readonly record: ProgramRecord
  readonly #channel: Channel
  readonly #process: Process
  readonly #plan: CommandPlan
  #isOver = false

  constructor(channel: Channel, process: Process, command: number, plan: CommandPlan) {
    this.#channel = channel
    this.#process = process
    this.#plan = plan
    this.record = freshRecord(command)
  }

  start(): void {
    this.#produce()
    if (this.#plan.runMs !== null) this.#process.after(this.#plan.runMs, () => this.#finish())
  }

  data(bytes: Buffer): void {
    this.#hears('data')
    const { record } = this
    record.inputIntact &&= matches(streamOf.stdin(record.command), record.stdin, bytes)
    record.stdin += bytes.length
    if (this.#plan.reads === 'all') this.#channel.consumed(bytes.length)
    if (this.#plan.echo && !record.isDone) this.#writeStdout(bytes.length)
  }

  extendedData(_type: number, bytes: Buffer): void {
    this.#channel.consumed(bytes.length)
  }

  eof(): void {
    this.#hears('EOF')
    // What comes after its end is thrown away.
    this.record.inputEnded = !this.record.isDone
    if (this.#plan.echo) this.#finish()
  }

  request(type: string, data: Buffer): boolean {
    this.#hears('a request')
    if (type === 'signal') this.#signalled(decodeSignal(data))
    return type === 'env'
  }

  adjusted(): void {}

  pendingBytes(): number {
    return 0
  }

  closed(): void {
    this.#isOver = true
  }

  lost(): void {
    this.#isOver = true
  }

  #produce(): void {
    const { stdout, stderr, everyMs, piece } = this.#plan
    if (this.#isOver || this.record.isDone) return
    if (this.record.stdout < stdout) this.#writeStdout(Math.min(piece, stdout - this.record.stdout))
    if (this.record.stderr < stderr) this.#writeStderr(Math.min(piece, stderr - this.record.stderr))
    if (this.record.stdout < stdout || this.record.stderr < stderr) this.#process.after(everyMs, () => this.#produce())
  }

  /** It never writes more at once than a pipe would take, so what is not sent waits here, not in the channel. */
  #writeStdout(size: number): void {
    for (let left = size; left > 0; left -= pieceMax) {
      const bytes = pattern(streamOf.stdout(this.record.command), this.record.stdout, Math.min(left, pieceMax))
      this.record.stdout += bytes.length
      this.#channel.write(bytes)
    }
  }

  #writeStderr(size: number): void {
    for (let left = size; left > 0; left -= pieceMax) {
      const bytes = pattern(streamOf.stderr(this.record.command), this.record.stderr, Math.min(left, pieceMax))
      this.record.stderr += bytes.length
      this.#channel.writeStderr(bytes)
    }
  }

  #signalled(name: string): void {
    if (name === 'KILL' || this.#plan.onTerm === 'ends') this.#end(name)
  }

  /** What it has not written by then it writes at once: a program writes first and ends then. */
  #finish(): void {
    if (this.#isOver) return
    const { stdout, stderr } = this.#plan
    if (this.record.stdout < stdout) this.#writeStdout(stdout - this.record.stdout)
    if (this.record.stderr < stderr) this.#writeStderr(stderr - this.record.stderr)
    this.#end(this.#plan.exit)
  }

  #end(exit: CommandPlan['exit']): void {
    if (this.record.isDone || this.#isOver) return
    this.record.isDone = true
    if (typeof exit === 'number') this.#channel.notify('exit-status', encodeExitStatus(exit))
    else if (exit !== null) this.#channel.notify('exit-signal', encodeExitSignal(exit))
    const { outputOpenMs } = this.#plan
    if (outputOpenMs === 0) this.#endOutput()
    else if (outputOpenMs !== null) this.#process.after(outputOpenMs, () => this.#endOutput())
  }

  #endOutput(): void {
    this.record.isWhole = true
    this.#channel.eof()
    if (this.#plan.closes) this.#closeOnceSent()
  }

  /** CLOSE throws away what was not sent, so a server closes when all is. */
  #closeOnceSent(): void {
    if (this.#isOver) return
    if (this.#channel.queuedBytes === 0) void this.#channel.close()
    else this.#process.after(50, () => this.#closeOnceSent())
  }

  #hears(what: string): void {
    if (this.#isOver) this.record.heardAfterEnd ??= what
  }
}
