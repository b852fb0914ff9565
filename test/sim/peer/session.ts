import type { Channel, ChannelSink } from '#src/connection/channel.js'
import { decodeStart } from '#src/wire/session-messages.js'
import type { Process } from '../machine/process.js'
import type { CommandPlan } from '../plan.js'
import { type ProgramRecord, RemoteProgram } from './program.js'

export interface SessionOptions {
  readonly process: Process
  readonly commands: readonly CommandPlan[]
  readonly passesSignals: boolean
  /** A program was asked for. */
  started(record: ProgramRecord): void
  ended(): void
}

/** A session on the server: nothing, until it is asked for one of the plan's commands by its number. */
export class RemoteSession implements ChannelSink {
  readonly #channel: Channel
  readonly #options: SessionOptions
  #program: RemoteProgram | undefined

  constructor(channel: Channel, options: SessionOptions) {
    this.#channel = channel
    this.#options = options
  }

  data(bytes: Buffer): void {
    if (this.#program === undefined) this.#channel.consumed(bytes.length)
    else this.#program.data(bytes)
  }

  extendedData(_type: number, bytes: Buffer): void {
    this.#channel.consumed(bytes.length)
  }

  eof(): void {
    this.#program?.eof()
  }

  request(type: string, data: Buffer): boolean {
    if (type === 'signal' && !this.#options.passesSignals) return false
    if (type !== 'exec') return this.#program?.request(type, data) ?? type === 'env'
    const command = Number(decodeStart('exec', data))
    const plan = this.#options.commands[command]
    if (plan === undefined || this.#program !== undefined) return false
    const program = new RemoteProgram(this.#channel, this.#options.process, command, plan)
    this.#program = program
    this.#options.started(program.record)
    // After the answer to the request, which goes out when this returns.
    this.#options.process.after(0, () => program.start())
    return true
  }

  adjusted(): void {}

  pendingBytes(): number {
    return 0
  }

  closed(): void {
    this.#program?.closed()
    this.#options.ended()
  }

  lost(): void {
    this.#program?.lost()
  }
}
